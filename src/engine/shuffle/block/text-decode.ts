/** Reads columns of text, as bytes or as strings. */
import type { ByteReader } from "./byte-reader.ts";
import type { TextColumn, TextEncoding } from "./column.ts";
import { JOINED_UNITS_MAX } from "./column-layout.ts";

/** From this length on V8 makes a slice that keeps the whole text it was cut from alive. */
const SLICE_UNITS = 13;

export function decodeText(from: ByteReader, rows: number, encoding: TextEncoding): TextColumn {
  const lengths = decodeLengths(from, rows);
  if (encoding === "utf16le") for (let i = 0; i < rows; i++) lengths[i]! *= 2;
  let total = 0;
  for (let i = 0; i < rows; i++) total += lengths[i] as number;
  return { kind: "text", encoding, lengths, bytes: from.slice(total) };
}

function decodeLengths(from: ByteReader, rows: number): Uint32Array {
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
  const text = bytes.toString(encoding === "ascii" ? "latin1" : encoding);
  const units = unitsOf(column);
  const values: string[] = new Array(lengths.length);
  let at = 0;
  let byte = 0;
  for (let i = 0; i < units.length; i++) {
    const end = at + (units[i] as number);
    const length = lengths[i] as number;
    values[i] =
      own && end - at >= SLICE_UNITS ? textAt(bytes, encoding, byte, byte + length) : text.slice(at, end);
    at = end;
    byte += length;
  }
  if (at !== text.length) throw new RangeError(`${text.length} characters instead of ${at}`);
  return values;
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

/** UTF-16 units of each text. */
function unitsOf({ encoding, bytes, lengths }: TextColumn): Uint32Array {
  if (encoding === "ascii" || encoding === "latin1") return lengths;
  const units = new Uint32Array(lengths.length);
  if (encoding === "utf16le") {
    for (let i = 0; i < units.length; i++) units[i] = (lengths[i] as number) >> 1;
    return units;
  }
  let at = 0;
  for (let i = 0; i < units.length; i++) {
    const end = at + (lengths[i] as number);
    let count = 0;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      // Each lead byte begins one unit, and that of four bytes two; all others belong to it.
      if ((byte & 0xc0) !== 0x80) count += byte < 0xf0 ? 1 : 2;
    }
    units[i] = count;
  }
  return units;
}
