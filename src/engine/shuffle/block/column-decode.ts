/**
 * Reads a column back. Its bytes were verified by a checksum; whatever is still wrong with them throws, and the
 * reader of the frame turns it into BLOB_CORRUPT.
 */
import type { ValueCodec } from "../../../ports/codec.ts";
import type { ByteReader } from "./byte-reader.ts";
import { ABSENT_NULL, ABSENT_UNDEFINED, JOINED_UNITS_MAX, LAYOUT } from "./column-layout.ts";

/** From this length on V8 makes a slice that keeps the whole text it was cut from alive. */
const SLICE_UNITS = 13;

/**
 * Which strings get a text of their own, instead of being slices of the frame's text: for rows that are kept. Slices
 * are faster to make. "nested": those inside records and tuples, for callers who see to the others themselves.
 */
export type OwnStrings = "none" | "nested" | "all";

export interface DecodeOptions {
  readonly codec: ValueCodec;
  readonly own: OwnStrings;
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
      return decodeNumbers(from, rows, layout);
    case LAYOUT.boolean:
      return decodeBooleans(from, rows);
    case LAYOUT.latin1:
    case LAYOUT.utf16:
      return decodeStrings(from, rows, layout === LAYOUT.latin1, options.own === "all");
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

function decodeNumbers(from: ByteReader, rows: number, layout: number): number[] {
  const { view } = from;
  const width = layout === LAYOUT.int8 ? 1 : layout === LAYOUT.int16 ? 2 : layout === LAYOUT.int32 ? 4 : 8;
  const at = from.take(rows * width);
  const values: number[] = new Array(rows);
  if (layout === LAYOUT.int8) for (let i = 0; i < rows; i++) values[i] = view.getInt8(at + i);
  else if (layout === LAYOUT.int16)
    for (let i = 0; i < rows; i++) values[i] = view.getInt16(at + i * 2, true);
  else if (layout === LAYOUT.int32)
    for (let i = 0; i < rows; i++) values[i] = view.getInt32(at + i * 4, true);
  else for (let i = 0; i < rows; i++) values[i] = view.getFloat64(at + i * 8, true);
  return values;
}

function decodeBooleans(from: ByteReader, rows: number): boolean[] {
  const at = from.take(rows);
  const values: boolean[] = new Array(rows);
  for (let i = 0; i < rows; i++) values[i] = from.view.getUint8(at + i) === 1;
  return values;
}

function decodeStrings(from: ByteReader, rows: number, narrow: boolean, own: boolean): string[] {
  const lengths = decodeLengths(from, rows);
  let units = 0;
  for (let i = 0; i < rows; i++) units += lengths[i] as number;
  const unitBytes = narrow ? 1 : 2;
  const encoding = narrow ? "latin1" : "utf16le";
  const bytes = from.slice(units * unitBytes);
  const text = units <= JOINED_UNITS_MAX ? bytes.toString(encoding) : undefined;
  const values: string[] = new Array(rows);
  let at = 0;
  for (let i = 0; i < rows; i++) {
    const end = at + (lengths[i] as number);
    values[i] =
      text === undefined || (own && end - at >= SLICE_UNITS)
        ? bytes.toString(encoding, at * unitBytes, end * unitBytes)
        : text.slice(at, end);
    at = end;
  }
  return values;
}

function decodeLengths(from: ByteReader, rows: number): Uint32Array {
  const width = from.u8();
  if (width !== 1 && width !== 2 && width !== 4) throw new RangeError(`a length of ${width} bytes`);
  const at = from.take(rows * width);
  const { view } = from;
  const lengths = new Uint32Array(rows);
  if (width === 1) for (let i = 0; i < rows; i++) lengths[i] = view.getUint8(at + i);
  else if (width === 2) for (let i = 0; i < rows; i++) lengths[i] = view.getUint16(at + i * 2, true);
  else for (let i = 0; i < rows; i++) lengths[i] = view.getUint32(at + i * 4, true);
  return lengths;
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
