/** Sorted runs as a merge reads them: frame by frame, from blocks or from scratch. */
import { KEY_KIND } from "../../kernel/sort-kernel.ts";
import type { Room } from "../block/value-room.ts";
import { KEY_TAG, type KeyBytes, readUnits } from "./key-bytes.ts";
import { type FrameHead, frameParts, readHead, writeHead } from "./run-frame.ts";

/** A frame, of which `body` is as run-frame.ts says. */
export interface LoadedFrame {
  readonly body: Uint8Array;
  readonly rows: number;
  /** The rows, where they are not text, and their bytes as stored. */
  readonly values: readonly unknown[] | undefined;
  readonly valueBytes: number;
}

export interface RunSource {
  /** How many frames there are in all. */
  readonly frames: number;
  /** The most that one is read to. */
  readonly frameBytesMax: number;
  /** @param room Where its body may be read to; it need not lie there, where it is made of what was read. */
  read(frame: number, room: Room): LoadedFrame;
}

interface Texts {
  readonly ends: Uint8Array;
  readonly text: Uint8Array;
}

/** Puts a frame together whose keys are its own. */
export function ownKeysFrame(keys: readonly Uint8Array[], texts: Texts | undefined): Uint8Array {
  const keyText = Buffer.concat(keys);
  const head: FrameHead = {
    hasText: texts !== undefined,
    keyKind: KEY_KIND.own,
    keyOffset: 0,
    keyLength: 0,
    textBytes: texts?.text.length ?? 0,
    keyBytes: keyText.length,
  };
  const parts = frameParts(head, keys.length);
  const body = Buffer.allocUnsafe(parts.bytes);
  writeHead(body, 0, head);
  if (texts !== undefined) {
    body.set(texts.ends, parts.ends);
    body.set(texts.text, parts.text);
  }
  let end = 0;
  for (const [i, key] of keys.entries()) {
    end += key.length;
    body.writeUInt32LE(end, parts.keyEnds + 4 * i);
  }
  body.set(keyText, parts.keyText);
  return body;
}

/** The frame of keys that are the rows themselves, of any type. */
export const deriveKeys = (values: readonly unknown[], keyBytes: KeyBytes): Uint8Array =>
  ownKeysFrame(
    values.map((value) => Buffer.from(keyBytes.of(value))),
    undefined,
  );

/** The same frame with the tag before each key, which is a string: for merging it with keys of all types. */
export function tagKeys(body: Uint8Array, rows: number): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const head = readHead(body, rows);
  const parts = frameParts(head, rows);
  const tag = Buffer.from([KEY_TAG.string]);
  const keys: Buffer[] = [];
  for (let row = 0; row < rows; row++) {
    keys.push(Buffer.concat([tag, keyOf(bytes, head, row, rows)]));
  }
  if (!head.hasText) return ownKeysFrame(keys, undefined);
  const ends = bytes.subarray(parts.ends, parts.keyEnds);
  return ownKeysFrame(keys, { ends, text: bytes.subarray(parts.text, parts.keyText) });
}

/** Rows that are text, among others that are not. */
export function textsAsValues(body: Uint8Array, rows: number): LoadedFrame {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const head = readHead(body, rows);
  const parts = frameParts(head, rows);
  const keys: Buffer[] = [];
  const ends = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    keys.push(keyOf(bytes, head, row, rows));
    ends[row] = bytes.readUInt32LE(parts.ends + 4 * row);
  }
  const values = textRows(bytes.subarray(parts.text, parts.keyText), ends);
  return { body: ownKeysFrame(keys, undefined), rows, values, valueBytes: head.textBytes };
}

const REPLACEMENT = "\ufffd";

/** Texts, each with one byte behind it, which end there. */
export function textRows(bytes: Buffer, ends: Uint32Array): string[] {
  const all = bytes.toString("utf8");
  const rows: string[] = new Array(ends.length);
  let start = 0;
  // As many characters as bytes: ASCII, unless bytes were no UTF-8 and became as many replacement characters.
  const isAscii = all.length === bytes.length && !all.includes(REPLACEMENT);
  for (let row = 0; row < ends.length; row++) {
    const end = ends[row] as number;
    rows[row] = isAscii ? all.slice(start, end) : textAt(bytes, start, end);
    start = end + 1;
  }
  return rows;
}

/** Halves of pairs have three bytes each, which are no UTF-8. */
function textAt(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  return text.includes(REPLACEMENT) ? readUnits(bytes, start, end) : text;
}

function keyOf(bytes: Buffer, head: FrameHead, row: number, rows: number): Buffer {
  const parts = frameParts(head, rows);
  const endAt = (ends: number, index: number): number => bytes.readUInt32LE(ends + 4 * index);
  if (head.keyKind === KEY_KIND.own) {
    const start = row === 0 ? 0 : endAt(parts.keyEnds, row - 1);
    return bytes.subarray(parts.keyText + start, parts.keyText + endAt(parts.keyEnds, row));
  }
  if (head.keyKind === KEY_KIND.fixed) {
    const start = parts.keyText + row * head.keyLength;
    return bytes.subarray(start, start + head.keyLength);
  }
  const start = row === 0 ? 0 : endAt(parts.ends, row - 1) + 1;
  const text = bytes.subarray(parts.text + start, parts.text + endAt(parts.ends, row));
  if (head.keyKind === KEY_KIND.row) return text;
  return text.subarray(head.keyOffset, head.keyOffset + head.keyLength);
}
