/**
 * Columns as sinks give them and as readers take them, without a value for each row: bytes and typed arrays. How
 * they are stored is the business of column-layout.ts.
 */

/** Texts, one after the other. */
export interface TextBytes {
  /** UTF-8, each text whole. What is not well-formed is stored as what decoding makes of it. */
  readonly bytes: Uint8Array;
  /** Of each text, in bytes. */
  readonly lengths: Uint32Array;
}

export type NumberArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** Records of one shape, taken apart: a column for each field, of which there is one at least. */
export interface RecordSource {
  readonly names: readonly string[];
  readonly columns: readonly ColumnSource[];
}

/** One column of a frame to be written. The same values make the same bytes, whichever of these they come as. */
export type ColumnSource = readonly unknown[] | NumberArray | TextBytes | RecordSource;

export function rowsOf(source: ColumnSource): number {
  if ("lengths" in source) return source.lengths.length;
  return "names" in source ? rowsOf(source.columns[0] as ColumnSource) : source.length;
}

/** "ascii" and "latin1": a byte a character; all of ASCII is also UTF-8. */
export type TextEncoding = "ascii" | "latin1" | "utf8" | "utf16le";

export interface TextColumn {
  readonly kind: "text";
  readonly encoding: TextEncoding;
  /** The texts, one after the other: a view of the frame. */
  readonly bytes: Buffer;
  /** Of each text, in bytes. */
  readonly lengths: Uint32Array;
}

export interface NumberColumn {
  readonly kind: "numbers";
  /** A view of the frame where it is aligned there, else a copy. */
  readonly numbers: NumberArray;
}

/** Few texts, each of which stands in many rows. */
export interface DictionaryColumn {
  readonly kind: "dictionary";
  readonly entries: readonly string[];
  /** Of each row: which entry. */
  readonly codes: Uint8Array;
}

export interface ValueColumn {
  readonly kind: "values";
  readonly values: readonly unknown[];
}

/** A column of a frame that was read. Any column may come as values. */
export type Column = TextColumn | DictionaryColumn | NumberColumn | ValueColumn;

/** Records of one shape, or arrays of one length, that were not made yet: a column for each field or element. */
export interface RecordColumn {
  readonly kind: "record";
  /** Undefined for arrays. */
  readonly names: readonly string[] | undefined;
  readonly columns: readonly NestedColumn[];
}

/** As `Column`, with the columns inside of records and arrays too. */
export type NestedColumn = Column | RecordColumn;
