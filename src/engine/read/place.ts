/** Where a record came from. Worked out for error messages only: by looking at the bytes, and at the file, again. */
import type { InputFile } from "../../plan/task.ts";
import type { Inputs } from "../../ports/inputs.ts";
import type { RecordPlace } from "../batch.ts";
import { CARRIAGE_RETURN, firstBoundary, LINE_FEED } from "./boundaries.ts";
import { GzipBytes, PlainBytes } from "./byte-source.ts";
import type { Piece } from "./record-feed.ts";
import { isGzip } from "./source-file.ts";

/** Characters of a record that a message shows. */
const EXCERPT_CHARS_MAX = 200;
/** The most bytes so many characters have, and one character cut in two. */
const EXCERPT_BYTES_MAX = 4 * EXCERPT_CHARS_MAX + 4;
const COUNT_CHUNK_BYTES = 256 * 1024;

const BOM = [0xef, 0xbb, 0xbf] as const;

/** What of a piece counts as a record. */
export interface RecordRule {
  /** Quotes between which line feeds are data. */
  readonly quote: number | undefined;
  /** Lines that give no record: none, those without a character, or those with only blanks. */
  readonly skips: "none" | "empty" | "blank";
}

/** Bytes [start, end) of a piece, without the line's end. `next`: where the next record may begin. */
export interface RecordSpan {
  readonly start: number;
  readonly end: number;
  readonly next: number;
}

/** Where the text of a piece begins: behind the byte order mark, where there is one at the start of the file. */
export function textStart(piece: Piece): number {
  const { bytes, start, end, offset } = piece;
  const marked =
    offset === 0 && end - start >= BOM.length && BOM.every((byte, at) => bytes[start + at] === byte);
  return marked ? start + BOM.length : start;
}

/** The record with this index in the piece; undefined where it has fewer. */
export function spanOf(piece: Piece, index: number, rule: RecordRule): RecordSpan | undefined {
  const { bytes, end } = piece;
  let records = 0;
  for (let start = textStart(piece); start < end; ) {
    const cut = firstBoundary(bytes, start, end, rule.quote, 0);
    const next = cut === -1 ? end : cut + 1;
    const stop = cut > start && bytes[cut - 1] === CARRIAGE_RETURN ? cut - 1 : cut === -1 ? end : cut;
    if (!isSkipped(bytes, start, stop, rule)) {
      if (records === index) return { start, end: stop, next };
      records += 1;
    }
    start = next;
  }
  return undefined;
}

function isSkipped(bytes: Uint8Array, start: number, end: number, rule: RecordRule): boolean {
  if (rule.skips === "none") return false;
  if (rule.skips === "empty") return start === end;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== CARRIAGE_RETURN) return false;
  }
  return true;
}

/** The first characters of a record, for people. */
export function excerptOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, Math.min(end, start + EXCERPT_BYTES_MAX));
  if (text.length <= EXCERPT_CHARS_MAX) return text;
  // Not half of a character of two units.
  return `${text.slice(0, EXCERPT_CHARS_MAX).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** Adds the line to what is known; without it where the file cannot be read again. */
export async function withLine(
  inputs: Inputs,
  file: InputFile,
  byteOffset: number,
  excerpt: string,
): Promise<RecordPlace> {
  const place = { file: file.path, byteOffset, excerpt };
  try {
    return { ...place, line: await lineAt(inputs, file, byteOffset) };
  } catch {
    // The place decorates another error, which must not be hidden by this one.
    return place;
  }
}

/** Number of the line that a byte of the file (decompressed) is in, from 1. */
async function lineAt(inputs: Inputs, file: InputFile, byteOffset: number): Promise<number> {
  const source = isGzip(file)
    ? new GzipBytes(await inputs.openGzip(file))
    : new PlainBytes(await inputs.open(file), 0);
  try {
    const chunk = Buffer.allocUnsafeSlow(COUNT_CHUNK_BYTES);
    let line = 1;
    for (let position = 0; position < byteOffset; ) {
      const got = await source.fill(chunk.subarray(0, Math.min(chunk.length, byteOffset - position)));
      if (got === 0) break;
      for (let at = chunk.indexOf(LINE_FEED); at !== -1 && at < got; at = chunk.indexOf(LINE_FEED, at + 1))
        line += 1;
      position += got;
    }
    return line;
  } finally {
    source.close();
  }
}
