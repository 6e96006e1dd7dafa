/**
 * Reads a column back. Its bytes were verified by a checksum; whatever is still wrong with them throws, and the
 * reader of the frame turns it into BLOB_CORRUPT.
 */
import type { ValueCodec } from "../../../ports/codec.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { Column, TextEncoding } from "./column.ts";
import { ABSENT_NULL, ABSENT_UNDEFINED, LAYOUT } from "./column-layout.ts";
import { decodeNumbers, numbersToArray } from "./number-column.ts";
import { columnStrings, decodeText } from "./text-decode.ts";

/**
 * Which strings get a text of their own, instead of being slices of the frame's text: for rows that are kept. Slices
 * are faster to make. "nested": those inside records and tuples, for callers who see to the others themselves.
 */
export type OwnStrings = "none" | "nested" | "all";

export interface DecodeOptions {
  readonly codec: ValueCodec;
  readonly own: OwnStrings;
}

/** Texts and numbers as they lie there; all else as values. */
export function readColumn(from: ByteReader, rows: number, options: DecodeOptions): Column {
  const layout = from.u8();
  switch (layout) {
    case LAYOUT.int8:
    case LAYOUT.int16:
    case LAYOUT.int32:
    case LAYOUT.float64:
      return { kind: "numbers", numbers: decodeNumbers(from, rows, layout) };
    case LAYOUT.ascii:
    case LAYOUT.latin1:
    case LAYOUT.utf8:
    case LAYOUT.utf16le:
      return decodeText(from, rows, encodingOf(layout));
    default:
      from.position--;
      return { kind: "values", values: decodeColumn(from, rows, options) };
  }
}

function encodingOf(layout: number): TextEncoding {
  if (layout === LAYOUT.ascii) return "ascii";
  return layout === LAYOUT.latin1 ? "latin1" : layout === LAYOUT.utf8 ? "utf8" : "utf16le";
}

export function decodeColumn(from: ByteReader, rows: number, options: DecodeOptions): unknown[] {
  const layout = from.u8();
  switch (layout) {
    case LAYOUT.constant:
      return new Array(rows).fill(decodeGeneral(from, 1, options.codec)[0]);
    case LAYOUT.undefined:
      return new Array(rows).fill(undefined);
    case LAYOUT.null:
      return new Array(rows).fill(null);
    case LAYOUT.int8:
    case LAYOUT.int16:
    case LAYOUT.int32:
    case LAYOUT.float64:
      return numbersToArray(decodeNumbers(from, rows, layout));
    case LAYOUT.boolean:
      return decodeBooleans(from, rows);
    case LAYOUT.ascii:
    case LAYOUT.latin1:
    case LAYOUT.utf8:
    case LAYOUT.utf16le:
      return columnStrings(decodeText(from, rows, encodingOf(layout)), options.own === "all");
    case LAYOUT.tuple:
      return decodeTuples(from, rows, options);
    case LAYOUT.record:
      return decodeRecords(from, rows, options);
    case LAYOUT.optional:
      return decodeOptional(from, rows, options);
    case LAYOUT.general:
      return decodeGeneral(from, rows, options.codec);
    default:
      throw new RangeError(`no layout has the number ${layout}`);
  }
}

function decodeBooleans(from: ByteReader, rows: number): boolean[] {
  const at = from.take(rows);
  const values: boolean[] = new Array(rows);
  for (let i = 0; i < rows; i++) values[i] = from.view.getUint8(at + i) === 1;
  return values;
}

function decodeTuples(from: ByteReader, rows: number, outer: DecodeOptions): unknown[][] {
  const options = nested(outer);
  const elements = from.u32();
  const columns: unknown[][] = [];
  for (let i = 0; i < elements; i++) columns.push(decodeColumn(from, rows, options));
  const [first, second] = columns;
  const values: unknown[][] = new Array(rows);
  if (elements === 2 && first !== undefined && second !== undefined) {
    for (let i = 0; i < rows; i++) values[i] = [first[i], second[i]];
  } else {
    for (let i = 0; i < rows; i++) values[i] = columns.map((column) => column[i]);
  }
  return values;
}

function decodeRecords(from: ByteReader, rows: number, outer: DecodeOptions): unknown[] {
  const options = nested(outer);
  const fields = from.u32();
  const names = fields === 0 ? [] : decodeColumn(from, fields, { codec: options.codec, own: "all" });
  const columns: unknown[][] = [];
  for (let i = 0; i < fields; i++) columns.push(decodeColumn(from, rows, options));
  const values: unknown[] = new Array(rows);
  for (let i = 0; i < rows; i++) {
    const record: Record<string, unknown> = {};
    for (let field = 0; field < fields; field++) record[names[field] as string] = columns[field]?.[i];
    values[i] = record;
  }
  return values;
}

function decodeOptional(from: ByteReader, rows: number, options: DecodeOptions): unknown[] {
  const at = from.take(rows);
  const count = from.u32();
  const present = count === 0 ? [] : decodeColumn(from, count, options);
  const values: unknown[] = new Array(rows);
  let next = 0;
  for (let i = 0; i < rows; i++) {
    const tag = from.view.getUint8(at + i);
    values[i] = tag === ABSENT_UNDEFINED ? undefined : tag === ABSENT_NULL ? null : present[next++];
  }
  if (next !== count) throw new RangeError(`${next} values present instead of ${count}`);
  return values;
}

function decodeGeneral(from: ByteReader, rows: number, codec: ValueCodec): unknown[] {
  const values = codec.decode(from.slice(from.u32()));
  if (values.length !== rows) throw new RangeError(`${values.length} values instead of ${rows}`);
  return values;
}

const nested = (options: DecodeOptions): DecodeOptions =>
  options.own === "nested" ? { ...options, own: "all" } : options;
