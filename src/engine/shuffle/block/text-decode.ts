/** Reads columns of text, as bytes or as strings. */
import type { ByteReader } from "./byte-reader.ts";
import type { TextColumn, TextEncoding } from "./column.ts";
import { JOINED_UNITS_MAX } from "./column-layout.ts";

/** From this length on V8 makes a slice that keeps the whole text it was cut from alive. */
const SLICE_UNITS = 13;

export function decodeText(from: ByteReader, rows: number, encoding: TextEncoding): TextColumn {
  const lengths = readLengths(from, rows);
  if (encoding === "utf16le") for (let i = 0; i < rows; i++) lengths[i]! *= 2;
  let total = 0;
  for (let i = 0; i < rows; i++) total += lengths[i] as number;
  return { kind: "text", encoding, lengths, bytes: from.slice(total) };
}

export function readLengths(from: ByteReader, rows: number): Uint32Array {
  const width = from.u8();
  if (width !== 1 && width !== 2 && width !== 4) throw new RangeError(`a length of ${width} bytes`);
  const stored =
    width === 1
      ? from.numbers(Uint8Array, rows)
      : width === 2
        ? from.numbers(Uint16Array, rows)
        : from.numbers(Uint32Array, rows);
  return new Uint32Array(stored);
}

/** @param own Whether each string gets a text of its own, instead of being a slice of the text of all. */
export function columnStrings(column: TextColumn, own: boolean): string[] {
  const { encoding, bytes, lengths } = column;
  if (bytes.length > JOINED_UNITS_MAX) return stringByString(column);
  if (encoding === "utf8") return utf8Strings(column, own);
  const text = bytes.toString(encoding === "ascii" ? "latin1" : encoding);
  const unitBytes = encoding === "utf16le" ? 2 : 1;
  const values: string[] = new Array(lengths.length);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const end = at + (lengths[i] as number) / unitBytes;
    values[i] =
      own && end - at >= SLICE_UNITS
        ? textAt(bytes, encoding, at * unitBytes, end * unitBytes)
        : text.slice(at, end);
    at = end;
  }
  return values;
}

/** Rows that are ASCII are most, and are read a byte a character; of the others each is decoded by itself. */
function utf8Strings({ bytes, lengths }: TextColumn, own: boolean): string[] {
  const text = bytes.toString("latin1");
  const values: string[] = new Array(lengths.length);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const end = at + (lengths[i] as number);
    const slice = !(own && end - at >= SLICE_UNITS) && isAsciiBetween(bytes, at, end);
    values[i] = slice ? text.slice(at, end) : bytes.toString("utf8", at, end);
    at = end;
  }
  return values;
}

function isAsciiBetween(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if ((bytes[i] as number) >= 0x80) return false;
  return true;
}

function stringByString({ encoding, bytes, lengths }: TextColumn): string[] {
  const values: string[] = new Array(lengths.length);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const end = at + (lengths[i] as number);
    values[i] = textAt(bytes, encoding, at, end);
    at = end;
  }
  return values;
}

const textAt = (bytes: Buffer, encoding: TextEncoding, from: number, to: number): string =>
  bytes.toString(encoding === "ascii" ? "latin1" : encoding, from, to);
