/** Writes a column of values in the smallest layout of column-layout.ts that holds all of them. */
import { isPlainObject } from "../../../base/compare.ts";
import type { ValueCodec } from "../../../ports/codec.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { writeCodes } from "./codes.ts";
import { type ColumnSource, type RecordSource, rowsOf } from "./column.ts";
import {
  CELLS_MAX,
  COLUMN_DEPTH_MAX,
  LAYOUT,
  RECORD_FIELDS_MAX,
  SHAPES_MAX,
  TUPLE_ELEMENTS_MAX,
} from "./column-layout.ts";
import { asNumbers, encodeNumberArray, encodeNumbers, writeFloats } from "./number-column.ts";
import { hasShape, type Shape, shapeOf, takeApart } from "./record-shape.ts";
import { encodeStrings, encodeTextBytes, unitLengths, writeLengths } from "./text-encode.ts";

/** Writes the columns of one frame. Throws VALUE_UNENCODABLE. */
export class ColumnEncoder {
  readonly #to: ByteWriter;
  readonly #codec: ValueCodec;
  /** Values so far. */
  #cells = 0;

  constructor(to: ByteWriter, codec: ValueCodec) {
    this.#to = to;
    this.#codec = codec;
  }

  add(source: ColumnSource, depth = 0): void {
    if (Array.isArray(source)) return this.#column(source, depth);
    this.#cells += rowsOf(source);
    if ("lengths" in source) encodeTextBytes(this.#to, source);
    else if ("names" in source) this.#recordColumns(source, depth);
    else encodeNumberArray(this.#to, source as Exclude<typeof source, readonly unknown[]>);
  }

  #recordColumns({ names, columns }: RecordSource, depth: number): void {
    this.#recordNames(names);
    for (const column of columns) this.add(column, depth + 1);
  }

  #column(values: readonly unknown[], depth: number): void {
    this.#cells += values.length;
    if (this.#cells > CELLS_MAX) return this.#general(values);
    const type = typeof values[0];
    // The two that are met most are looked for and collected in one pass.
    const numbers = type === "number" ? asNumbers(values) : undefined;
    if (numbers !== undefined) return encodeNumbers(this.#to, numbers);
    const lengths = type === "string" ? unitLengths(values) : undefined;
    if (lengths !== undefined) return encodeStrings(this.#to, values as readonly string[], lengths);
    if (depth >= COLUMN_DEPTH_MAX) return this.#general(values);
    const parts = partsOf(values);
    const [part] = parts.list;
    if (parts.list.length === 1 && part !== undefined) this.#part(part, values, depth);
    else if (this.#cells + values.length > CELLS_MAX) this.#general(values);
    else this.#union(parts, values, depth);
  }

  #union({ list, codes }: Parts, values: readonly unknown[], depth: number): void {
    const to = this.#to;
    to.u8(LAYOUT.union);
    to.u8(list.length - 1);
    writeCodes(to, codes, list.length);
    const rows: unknown[][] = list.map(() => []);
    for (let i = 0; i < values.length; i++) rows[codes[i] as number]?.push(values[i]);
    for (const [i, part] of list.entries()) {
      const own = rows[i] as unknown[];
      to.u32(own.length);
      this.#cells += own.length;
      this.#part(part, own, depth);
    }
  }

  /** Values of one kind. */
  #part({ kind, shape }: Part, values: readonly unknown[], depth: number): void {
    const to = this.#to;
    switch (kind) {
      case "undefined":
        return to.u8(LAYOUT.undefined);
      case "null":
        return to.u8(LAYOUT.null);
      case "boolean":
        return this.#booleans(values);
      case "number":
        return encodeNumbers(to, asNumbers(values) as Float64Array);
      case "string":
        return encodeStrings(to, values as readonly string[], unitLengths(values) as Uint32Array);
      case "bigint":
        return this.#bigints(values as readonly bigint[]);
      case "date":
        to.u8(LAYOUT.date);
        return writeFloats(
          to,
          Float64Array.from(values as readonly Date[], (date) => date.getTime()),
        );
      case "array":
        return this.#arrays(values as readonly (readonly unknown[])[], depth);
      case "record":
        return this.#records(values as readonly object[], shape as Shape, depth);
      case "other":
        return this.#general(values);
    }
  }

  #booleans(values: readonly unknown[]): void {
    const codes = new Uint8Array(values.length);
    for (let i = 0; i < values.length; i++) if (values[i] === true) codes[i] = 1;
    this.#to.u8(LAYOUT.boolean);
    writeCodes(this.#to, codes, 2);
  }

  #bigints(values: readonly bigint[]): void {
    if (!values.every((value) => BigInt.asIntN(64, value) === value)) return this.#general(values);
    const to = this.#to;
    to.u8(LAYOUT.bigint);
    const at = to.reserveAligned(8, values.length * 8);
    new BigInt64Array(to.bytes.buffer, at, values.length).set(values);
  }

  #arrays(values: readonly (readonly unknown[])[], depth: number): void {
    const elements = values[0]?.length ?? 0;
    let total = 0;
    let even = elements <= TUPLE_ELEMENTS_MAX;
    for (let i = 0; i < values.length; i++) {
      const { length } = values[i] as readonly unknown[];
      total += length;
      even = even && length === elements;
    }
    if (this.#cells + total > CELLS_MAX) this.#general(values);
    else if (even) this.#tuples(values, elements, depth);
    else this.#lists(values, total, depth);
  }

  #tuples(values: readonly (readonly unknown[])[], elements: number, depth: number): void {
    this.#to.u8(LAYOUT.tuple);
    this.#to.u8(elements);
    for (let element = 0; element < elements; element++) {
      const column: unknown[] = new Array(values.length);
      for (let i = 0; i < values.length; i++) column[i] = (values[i] as readonly unknown[])[element];
      this.#column(column, depth + 1);
    }
  }

  #lists(values: readonly (readonly unknown[])[], total: number, depth: number): void {
    this.#to.u8(LAYOUT.list);
    const lengths = new Uint32Array(values.length);
    const all: unknown[] = new Array(total);
    let next = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as readonly unknown[];
      for (let j = 0; j < value.length; j++) all[next++] = value[j];
      lengths[i] = value.length;
    }
    writeLengths(this.#to, lengths);
    if (total > 0) this.#column(all, depth + 1);
  }

  #records(values: readonly object[], shape: Shape, depth: number): void {
    this.#recordNames(shape.names);
    for (const column of takeApart(values, shape)) this.#column(column, depth + 1);
  }

  #recordNames(names: readonly string[]): void {
    this.#to.u8(LAYOUT.record);
    this.#to.u32(names.length);
    if (names.length > 0) encodeStrings(this.#to, names, unitLengths(names) as Uint32Array);
  }

  #general(values: readonly unknown[]): void {
    const bytes = this.#codec.encode(values);
    this.#to.u8(LAYOUT.general);
    this.#to.u32(bytes.length);
    this.#to.append(bytes);
  }
}

type Kind =
  | "undefined"
  | "null"
  | "boolean"
  | "number"
  | "string"
  | "bigint"
  | "date"
  | "array"
  | "record"
  | "other";

/** What one layout holds: values of a kind, and of records those of one shape. */
interface Part {
  readonly kind: Kind;
  readonly shape: Shape | undefined;
}

/** In the order in which they are first met. */
interface Parts {
  readonly list: readonly Part[];
  /** For each row, which. */
  readonly codes: Uint8Array;
}

function partsOf(values: readonly unknown[]): Parts {
  const list: Part[] = [];
  const codes = new Uint8Array(values.length);
  /** Of each kind but records. */
  const codeOf: Partial<Record<Kind, number>> = {};
  let last: Shape | undefined;
  let lastCode = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    let kind = kindOf(value);
    if (kind === "record") {
      if (last === undefined || !hasShape(value as object, last)) {
        const code = codeOfRecord(value as object, list);
        last = list[code]?.shape;
        lastCode = code;
      }
      if (last !== undefined) {
        codes[i] = lastCode;
        continue;
      }
      kind = "other";
    }
    codes[i] = codeOf[kind] ??= list.push({ kind, shape: undefined }) - 1;
  }
  return { list, codes };
}

/** -1: it has too many fields, or there are too many shapes before it. */
function codeOfRecord(record: object, list: Part[]): number {
  for (const [code, { shape }] of list.entries()) {
    if (shape !== undefined && hasShape(record, shape)) return code;
  }
  const names = Object.keys(record);
  if (names.length > RECORD_FIELDS_MAX || list.length >= SHAPES_MAX) return -1;
  const shape = shapeOf(names);
  // Not found above, and known all the same: it inherits names, which make no difference here but take longer.
  const known = list.findIndex((part) => part.shape === shape);
  return known === -1 ? list.push({ kind: "record", shape }) - 1 : known;
}

function kindOf(value: unknown): Kind {
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return "number";
    case "undefined":
      return "undefined";
    case "boolean":
      return "boolean";
    case "bigint":
      return "bigint";
    case "object":
      return value === null ? "null" : kindOfObject(value);
    default:
      return "other";
  }
}

function kindOfObject(value: object): Kind {
  if (Array.isArray(value)) return "array";
  if (isPlainObject(value)) return "record";
  return Object.getPrototypeOf(value) === Date.prototype ? "date" : "other";
}
