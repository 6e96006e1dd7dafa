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
import type { TextBytes } from "./column.ts";
import { LAYOUT, UTF8_SHARE_MAX } from "./column-layout.ts";
import { type Dictionary, findDictionary, findTextDictionary } from "./dictionary.ts";

/** Texts are written together up to so many units. */
const PART_UNITS = 16 * 1024;

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
  if (dictionary === undefined) encodePlain(to, values, lengths);
  else encodeDictionary(to, dictionary);
}

function encodeDictionary(to: ByteWriter, { entries, codes }: Dictionary): void {
  to.u8(LAYOUT.dictionary);
  to.u8(entries.length - 1);
  writeCodes(to, codes, entries.length);
  encodePlain(to, entries, unitLengths(entries) as Uint32Array);
}

function encodePlain(to: ByteWriter, values: readonly string[], lengths: Uint32Array): void {
  const start = to.length;
  to.u8(LAYOUT.latin1);
  writeLengths(to, lengths);
  const textStart = to.length;
  if (writeLatin1(to, values)) {
    if (isAscii(to.written().subarray(textStart))) to.bytes[start] = LAYOUT.ascii;
    return;
  }
  to.rewind(start);
  const parts = joined(values);
  if (fitsUtf8(parts, values)) return writeUtf8(to, parts, lengths);
  to.u8(LAYOUT.utf16le);
  writeLengths(to, lengths);
  for (const part of parts) to.text(part, "utf16le", part.length * 2);
}

/** False where that does not hold them. */
function writeLatin1(to: ByteWriter, values: readonly string[]): boolean {
  let text = "";
  for (let i = 0; i < values.length; i++) {
    text += values[i];
    if (text.length < PART_UNITS) continue;
    if (beyondLatin1.test(text)) return false;
    to.text(text, "latin1", text.length);
    text = "";
  }
  if (beyondLatin1.test(text)) return false;
  to.text(text, "latin1", text.length);
  return true;
}

/** The same texts in parts of several: fewer calls than one by one, and less to collect than all in one. */
function joined(values: readonly string[]): string[] {
  const parts: string[] = [];
  let text = "";
  for (let i = 0; i < values.length; i++) {
    text += values[i];
    if (text.length < PART_UNITS) continue;
    parts.push(text);
    text = "";
  }
  parts.push(text);
  return parts;
}

function fitsUtf8(parts: readonly string[], values: readonly string[]): boolean {
  let bytes = 0;
  let units = 0;
  for (const part of parts) {
    bytes += Buffer.byteLength(part);
    units += part.length;
  }
  if (bytes > units * 2 * UTF8_SHARE_MAX) return false;
  if (parts.some((part) => surrogate.test(part) && loneSurrogate.test(part))) return false;
  // Two halves of a pair, each at an edge, are a pair only where they are joined.
  for (const value of values) {
    const first = value.charCodeAt(0);
    if (first >= 0xdc00 && first < 0xe000) return false;
  }
  return true;
}

function writeUtf8(to: ByteWriter, parts: readonly string[], units: Uint32Array): void {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
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
  to.u8(LAYOUT.utf8);
  writeLengths(to, lengths);
  to.append(bytes);
}

/** The same column as of the strings that the bytes stand for. */
export function encodeTextBytes(to: ByteWriter, source: TextBytes): void {
  const { bytes, lengths } = source;
  if (!isAscii(bytes)) {
    const values = stringsOf(source);
    return encodeStrings(to, values, unitLengths(values) as Uint32Array);
  }
  const dictionary = findTextDictionary(source);
  if (dictionary !== undefined) return encodeDictionary(to, dictionary);
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
  const words = (length - head) >> 2;
  let narrow = 0;
  for (let i = 0; i < head; i++) narrow |= bytes[i] as number;
  for (let i = head + words * 4; i < length; i++) narrow |= bytes[i] as number;
  if (words === 0) return narrow < 0x80;
  const wide = new Int32Array(bytes.buffer, bytes.byteOffset + head, words);
  let all = 0;
  for (let i = 0; i < words; i++) all |= wide[i] as number;
  return narrow < 0x80 && (all & 0x80808080) === 0;
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
