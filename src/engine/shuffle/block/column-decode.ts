/**
 * Reads a column back. Its bytes were verified by a checksum; whatever is still wrong with them throws, and the
 * reader of the frame turns it into BLOB_CORRUPT.
 */
import type { ValueCodec } from "../../../ports/codec.ts";
import type { Lz4 } from "../../../ports/lz4.ts";
import type { ByteReader } from "./byte-reader.ts";
import { readCodes } from "./codes.ts";
import type { Column, DictionaryColumn, NestedColumn, TextEncoding } from "./column.ts";
import { CELLS_MAX, COLUMN_DEPTH_MAX, LAYOUT } from "./column-layout.ts";
import { decodeNumbers, isNumberLayout, numbersToArray } from "./number-column.ts";
import { putTogether, shapeOf, zip } from "./record-shape.ts";
import { columnStrings, decodeText, readLengths } from "./text-decode.ts";

/**
 * Which strings get a text of their own, instead of being slices of the frame's text: for rows that are kept. Slices
 * are faster to make. "nested": those inside records and arrays, for callers who see to the others themselves.
 */
export type OwnStrings = "none" | "nested" | "all";

export interface DecodeOptions {
  readonly codec: ValueCodec;
  readonly own: OwnStrings;
  /** For frames that may be compressed. */
  readonly lz4?: Lz4 | undefined;
}

/** Reads the columns of one frame. */
export class ColumnDecoder {
  readonly #from: ByteReader;
  readonly #options: DecodeOptions;
  /** Values so far. */
  #cells = 0;

  constructor(from: ByteReader, options: DecodeOptions) {
    this.#from = from;
    this.#options = options;
  }

  /** A value for each row. */
  values(rows: number): unknown[] {
    return this.#column(rows, 0);
  }

  /** Texts and numbers as they lie there; all else as values. */
  column(rows: number): Column {
    return this.#flat(rows, 0);
  }

  /** The same, with the columns of records and arrays, and with those inside of them. */
  nested(rows: number): NestedColumn {
    return this.#nested(rows, 0);
  }

  #nested(rows: number, depth: number): NestedColumn {
    const from = this.#from;
    const layout = from.bytes[from.position] as number;
    if (layout !== LAYOUT.record && layout !== LAYOUT.tuple) return this.#flat(rows, depth);
    if (depth > COLUMN_DEPTH_MAX) throw new RangeError("columns lie too deep in each other");
    this.#enter(rows, from.u8());
    const names = layout === LAYOUT.record ? this.#names(from.u32()) : undefined;
    const fields = names === undefined ? from.u8() : names.length;
    const columns: NestedColumn[] = [];
    for (let i = 0; i < fields; i++) columns.push(this.#nested(rows, depth + 1));
    return { kind: "record", names, columns };
  }

  #flat(rows: number, depth: number): Column {
    const layout = this.#from.bytes[this.#from.position] as number;
    if (!isNumberLayout(layout) && !isTextLayout(layout) && layout !== LAYOUT.dictionary) {
      return { kind: "values", values: this.#column(rows, depth) };
    }
    this.#enter(rows, this.#from.u8());
    if (isNumberLayout(layout)) {
      return { kind: "numbers", numbers: decodeNumbers(this.#from, rows, layout) };
    }
    if (layout === LAYOUT.dictionary) return this.#dictionary(rows, this.#owns(depth));
    return decodeText(this.#from, rows, encodingOf(layout));
  }

  #owns(depth: number): boolean {
    const { own } = this.#options;
    return own === "all" || (own === "nested" && depth > 0);
  }

  #enter(rows: number, layout: number): void {
    this.#cells += rows;
    if (this.#cells > CELLS_MAX && layout !== LAYOUT.general) {
      throw new RangeError(`it claims more than ${CELLS_MAX} values`);
    }
  }

  #column(rows: number, depth: number): unknown[] {
    const from = this.#from;
    const layout = from.u8();
    this.#enter(rows, layout);
    if (isNumberLayout(layout)) return numbersToArray(decodeNumbers(from, rows, layout));
    if (isTextLayout(layout))
      return columnStrings(decodeText(from, rows, encodingOf(layout)), this.#owns(depth));
    if (depth > COLUMN_DEPTH_MAX) throw new RangeError("columns lie too deep in each other");
    switch (layout) {
      case LAYOUT.dictionary:
        return dictionaryValues(this.#dictionary(rows, this.#owns(depth)));
      case LAYOUT.undefined:
        return new Array(rows).fill(undefined);
      case LAYOUT.null:
        return new Array(rows).fill(null);
      case LAYOUT.boolean:
        return this.#booleans(rows);
      case LAYOUT.bigint:
        return Array.from(from.numbers(BigInt64Array, rows));
      case LAYOUT.date:
        return Array.from(from.numbers(Float64Array, rows), (time) => new Date(time));
      case LAYOUT.tuple:
        return this.#tuples(rows, depth);
      case LAYOUT.list:
        return this.#lists(rows, depth);
      case LAYOUT.record:
        return this.#records(rows, depth);
      case LAYOUT.union:
        return this.#union(rows, depth);
      case LAYOUT.general:
        return this.#general(rows);
      default:
        throw new RangeError(`no layout has the number ${layout}`);
    }
  }

  #booleans(rows: number): boolean[] {
    const codes = readCodes(this.#from, rows, 2);
    const values: boolean[] = new Array(rows);
    for (let i = 0; i < rows; i++) values[i] = codes[i] === 1;
    return values;
  }

  #dictionary(rows: number, own: boolean): DictionaryColumn {
    const from = this.#from;
    const count = from.u8() + 1;
    const codes = readCodes(from, rows, count);
    const layout = from.u8();
    if (!isTextLayout(layout)) throw new RangeError(`layout ${layout} in a dictionary`);
    return {
      kind: "dictionary",
      codes,
      entries: columnStrings(decodeText(from, count, encodingOf(layout)), own),
    };
  }

  #tuples(rows: number, depth: number): unknown[][] {
    const elements = this.#from.u8();
    const columns: unknown[][] = [];
    for (let i = 0; i < elements; i++) columns.push(this.#column(rows, depth + 1));
    return zip(columns, rows);
  }

  #lists(rows: number, depth: number): unknown[][] {
    const lengths = readLengths(this.#from, rows);
    let total = 0;
    for (let i = 0; i < rows; i++) total += lengths[i] as number;
    const all = total === 0 ? [] : this.#column(total, depth + 1);
    const values: unknown[][] = new Array(rows);
    let at = 0;
    for (let i = 0; i < rows; i++) {
      const end = at + (lengths[i] as number);
      values[i] = all.slice(at, end);
      at = end;
    }
    return values;
  }

  #records(rows: number, depth: number): unknown[] {
    const names = this.#names(this.#from.u32());
    const columns: unknown[][] = [];
    for (let i = 0; i < names.length; i++) columns.push(this.#column(rows, depth + 1));
    return putTogether(columns, rows, shapeOf(names));
  }

  #names(fields: number): string[] {
    if (fields === 0) return [];
    const layout = this.#from.u8();
    if (!isTextLayout(layout)) throw new RangeError(`names in layout ${layout}`);
    return columnStrings(decodeText(this.#from, fields, encodingOf(layout)), true);
  }

  #union(rows: number, depth: number): unknown[] {
    const from = this.#from;
    const parts = from.u8() + 1;
    const codes = readCodes(from, rows, parts);
    const columns: unknown[][] = [];
    let total = 0;
    for (let i = 0; i < parts; i++) {
      const count = from.u32();
      total += count;
      if (total > rows) break;
      columns.push(this.#column(count, depth));
    }
    const next = new Uint32Array(parts);
    const values: unknown[] = new Array(rows);
    for (let i = 0; i < rows; i++) {
      const code = codes[i] as number;
      values[i] = columns[code]?.[next[code]!++];
    }
    const wrong = columns.length < parts || columns.some((column, i) => column.length !== next[i]);
    if (wrong) throw new RangeError("parts of a column do not add up");
    return values;
  }

  #general(rows: number): unknown[] {
    const values = this.#options.codec.decode(this.#from.slice(this.#from.u32()));
    if (values.length !== rows) throw new RangeError(`${values.length} values instead of ${rows}`);
    return values;
  }
}

/** What the column stands for, a value for each row. Texts that were still bytes get texts of their own. */
export function columnValues(column: NestedColumn, rows: number): readonly unknown[] {
  switch (column.kind) {
    case "values":
      return column.values;
    case "numbers":
      return numbersToArray(column.numbers);
    case "text":
      return columnStrings(column, true);
    case "dictionary":
      return dictionaryValues(column);
    case "record": {
      const columns = column.columns.map((each) => columnValues(each, rows));
      return column.names === undefined
        ? zip(columns, rows)
        : putTogether(columns, rows, shapeOf(column.names));
    }
  }
}

function dictionaryValues({ codes, entries }: DictionaryColumn): string[] {
  const values: string[] = new Array(codes.length);
  for (let i = 0; i < codes.length; i++) values[i] = entries[codes[i] as number] as string;
  return values;
}

const isTextLayout = (layout: number): boolean => layout >= LAYOUT.ascii && layout <= LAYOUT.utf16le;

function encodingOf(layout: number): TextEncoding {
  if (layout === LAYOUT.ascii) return "ascii";
  return layout === LAYOUT.latin1 ? "latin1" : layout === LAYOUT.utf8 ? "utf8" : "utf16le";
}
