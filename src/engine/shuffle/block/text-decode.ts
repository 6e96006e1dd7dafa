/** Reads columns of text, as bytes or as strings. */
import type { ByteReader } from "./byte-reader.ts";
import type { TextColumn, TextEncoding } from "./column.ts";

/** From this length on V8 makes a slice that keeps the whole text it was cut from alive. */
const SLICE_UNITS = 13;
/** Texts are decoded together up to so many bytes: a call each takes longer, and larger strings are collected later. */
const PART_BYTES = 16 * 1024;

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

/** @param own Whether each string gets a text of its own, instead of being a slice of a text of several. */
export function columnStrings(column: TextColumn, own: boolean): string[] {
  const { lengths } = column;
  const values: string[] = new Array(lengths.length);
  let at = 0;
  for (let row = 0; row < lengths.length; ) {
    const first = row;
    let end = at + (lengths[row++] as number);
    while (row < lengths.length && end + (lengths[row] as number) - at <= PART_BYTES) {
      end += lengths[row++] as number;
    }
    if (row === first + 1) values[first] = textBetween(column, at, end);
    else decodePart(column, { first, end: row, at, bytes: end - at }, own, values);
    at = end;
  }
  return values;
}

interface RowRange {
  readonly first: number;
  readonly end: number;
  /** Where its bytes begin, and how many there are. */
  readonly at: number;
  readonly bytes: number;
}

function decodePart(column: TextColumn, range: RowRange, own: boolean, values: string[]): void {
  const { bytes, lengths, encoding } = column;
  const utf8 = encoding === "utf8";
  const unitBytes = encoding === "utf16le" ? 2 : 1;
  const text = bytes.toString(unitBytes === 2 ? "utf16le" : "latin1", range.at, range.at + range.bytes);
  let at = range.at;
  let from = 0;
  for (let row = range.first; row < range.end; row++) {
    const next = at + (lengths[row] as number);
    const to = from + (lengths[row] as number) / unitBytes;
    // Where a text is not a slice: in UTF-8 most rows are ASCII, and those can be.
    const alone = (own && to - from >= SLICE_UNITS) || (utf8 && !isAsciiBetween(bytes, at, next));
    values[row] = alone ? textBetween(column, at, next) : text.slice(from, to);
    at = next;
    from = to;
  }
}

const textBetween = ({ bytes, encoding }: TextColumn, from: number, to: number): string =>
  bytes.toString(encoding === "ascii" ? "latin1" : encoding, from, to);

function isAsciiBetween(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if ((bytes[i] as number) >= 0x80) return false;
  return true;
}
