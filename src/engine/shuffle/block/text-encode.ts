/**
 * Columns of text: the bytes of all, one after the other, and the length of each.
 *
 * One byte a character where ASCII or Latin-1 holds all of them, as V8 keeps such strings itself. Beyond, UTF-16 keeps
 * whatever a string can hold, lone surrogates too; UTF-8 stands in for it where it is exact and clearly shorter:
 * in texts that are ASCII but for a few characters.
 */
import { assert } from "../../../base/assert.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { writeCodes } from "./codes.ts";
import type { TextBytes, TextEncoding } from "./column.ts";
import { JOINED_UNITS_MAX, LAYOUT, UTF8_SHARE_MAX } from "./column-layout.ts";
import { findDictionary, isRepetitive } from "./dictionary.ts";

const beyondLatin1 = /[^\0-\xff]/;
const surrogate = /[\ud800-\udfff]/;
const loneSurrogate = /\p{Surrogate}/u;

/** Units of each of the values, if all of them are strings. */
export function unitLengths(values: readonly unknown[]): Uint32Array | undefined {
  const lengths = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== "string") return undefined;
    lengths[i] = value.length;
  }
  return lengths;
}

/** @param lengths Of each of them, in units. */
export function encodeStrings(to: ByteWriter, values: readonly string[], lengths: Uint32Array): void {
  const dictionary = findDictionary(values);
  if (dictionary === undefined) return encodePlain(to, values, lengths);
  const { entries, codes } = dictionary;
  to.u8(LAYOUT.dictionary);
  to.u8(entries.length - 1);
  writeCodes(to, codes, entries.length);
  encodePlain(to, entries, unitLengths(entries) as Uint32Array);
}

function encodePlain(to: ByteWriter, values: readonly string[], lengths: Uint32Array): void {
  let units = 0;
  for (let i = 0; i < lengths.length; i++) units += lengths[i] as number;
  // Few long texts: joined, they might be longer than a string can be.
  const parts = units <= JOINED_UNITS_MAX ? [values.join("")] : values;
  const encoding = encodingOf(values, parts);
  to.u8(LAYOUT[encoding]);
  if (encoding === "utf8") return writeUtf8(to, parts[0] as string, lengths);
  writeLengths(to, lengths);
  for (const part of parts) {
    if (encoding === "utf16le") to.text(part, encoding, part.length * 2);
    else to.text(part, "latin1", part.length);
  }
}

function encodingOf(values: readonly string[], parts: readonly string[]): TextEncoding {
  if (parts.some((part) => beyondLatin1.test(part))) {
    const [text] = parts;
    return text !== undefined && parts.length === 1 && fitsUtf8(text, values) ? "utf8" : "utf16le";
  }
  return parts.every((part) => Buffer.byteLength(part) === part.length) ? "ascii" : "latin1";
}

function fitsUtf8(text: string, values: readonly string[]): boolean {
  if (Buffer.byteLength(text) > text.length * 2 * UTF8_SHARE_MAX) return false;
  if (!surrogate.test(text)) return true;
  if (loneSurrogate.test(text)) return false;
  // Two halves of a pair, each at an edge, are a pair only where they are joined.
  for (const value of values) {
    const first = value.charCodeAt(0);
    if (first >= 0xdc00 && first < 0xe000) return false;
  }
  return true;
}

function writeUtf8(to: ByteWriter, text: string, units: Uint32Array): void {
  const bytes = Buffer.from(text);
  const lengths = new Uint32Array(units.length);
  let at = 0;
  for (let i = 0; i < units.length; i++) {
    const start = at;
    for (let left = units[i] as number; left > 0; ) {
      const lead = bytes[at] as number;
      at += lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      left -= lead < 0xf0 ? 1 : 2;
    }
    lengths[i] = at - start;
  }
  writeLengths(to, lengths);
  to.append(bytes);
}

/** The same column as of the strings that the bytes stand for. */
export function encodeTextBytes(to: ByteWriter, source: TextBytes): void {
  const { bytes, lengths } = source;
  if (!isAscii(bytes) || isRepetitive(lengths.length, sampleOf(source))) {
    const values = stringsOf(source);
    return encodeStrings(to, values, unitLengths(values) as Uint32Array);
  }
  to.u8(LAYOUT.ascii);
  writeLengths(to, lengths);
  to.append(bytes);
}

export function writeLengths(to: ByteWriter, lengths: Uint32Array): void {
  let longest = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] as number;
    if (length > longest) longest = length;
  }
  const width = longest < 0x100 ? 1 : longest < 0x10000 ? 2 : 4;
  to.u8(width);
  const at = to.reserveAligned(width, lengths.length * width);
  const { buffer } = to.bytes;
  if (width === 1) new Uint8Array(buffer, at, lengths.length).set(lengths);
  else if (width === 2) new Uint16Array(buffer, at, lengths.length).set(lengths);
  else new Uint32Array(buffer, at, lengths.length).set(lengths);
}

function isAscii(bytes: Uint8Array): boolean {
  const { length } = bytes;
  const head = Math.min(-bytes.byteOffset & 3, length);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + head, (length - head) >> 2);
  let all = 0;
  for (let i = 0; i < head; i++) all |= bytes[i] as number;
  for (let i = head + words.length * 4; i < length; i++) all |= bytes[i] as number;
  let wide = 0;
  for (let i = 0; i < words.length; i++) wide |= words[i] as number;
  return (all & 0x80) === 0 && (wide & 0x80808080) === 0;
}

/** The texts as strings. */
function stringsOf({ bytes, lengths }: TextBytes): string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: string[] = new Array(lengths.length);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const end = at + (lengths[i] as number);
    values[i] = text.toString("utf8", at, end);
    at = end;
  }
  assert(at === bytes.length, "the lengths of texts add up to their bytes");
  return values;
}

/** The text of a row, for rows in ascending order. */
function sampleOf({ bytes, lengths }: TextBytes): (row: number) => string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let next = 0;
  let at = 0;
  return (row) => {
    while (next < row) at += lengths[next++] as number;
    return text.toString("latin1", at, at + (lengths[row] as number));
  };
}
