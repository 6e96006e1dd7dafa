/**
 * A frame of a sorted run, as sorting writes it: rows that are text, or only the keys of rows that stand in a frame of
 * their own.
 *
 *     u32 1 where rows are text, else 0 · u32 kind of keys · u32 key offset · u32 key length · u32 row bytes · u32 key bytes
 *     where rows are text: u32 for each row, where it ends, before its line feed
 *     where keys are of the kind "own": u32 for each key, where it ends
 *     rows, each with a line feed behind it · keys, where they are "own" or "fixed"
 *
 * Kinds of keys: the row itself; a slice of it; own; own, all of one length. Little-endian, as the kernel is.
 */
import { KEY_KIND } from "../../kernel/sort-kernel.ts";

export const FRAME_HEAD_BYTES = 24;

export interface FrameHead {
  readonly hasText: boolean;
  readonly keyKind: number;
  readonly keyOffset: number;
  readonly keyLength: number;
  readonly textBytes: number;
  readonly keyBytes: number;
}

/** Where the parts of a frame begin, from its own beginning on. */
export interface FrameParts {
  readonly ends: number;
  readonly keyEnds: number;
  readonly text: number;
  readonly keyText: number;
  readonly bytes: number;
}

export function frameParts(head: FrameHead, rows: number): FrameParts {
  const ends = FRAME_HEAD_BYTES;
  const keyEnds = ends + (head.hasText ? 4 * rows : 0);
  const text = keyEnds + (head.keyKind === KEY_KIND.own ? 4 * rows : 0);
  const keyText = text + head.textBytes;
  return { ends, keyEnds, text, keyText, bytes: keyText + head.keyBytes };
}

export function writeHead(bytes: Buffer, at: number, head: FrameHead): void {
  bytes.writeUInt32LE(head.hasText ? 1 : 0, at);
  bytes.writeUInt32LE(head.keyKind, at + 4);
  bytes.writeUInt32LE(head.keyOffset, at + 8);
  bytes.writeUInt32LE(head.keyLength, at + 12);
  bytes.writeUInt32LE(head.textBytes, at + 16);
  bytes.writeUInt32LE(head.keyBytes, at + 20);
}

/** Throws RangeError where it cannot be the head of a frame of so many rows. */
export function readHead(body: Uint8Array, rows: number): FrameHead {
  if (body.length < FRAME_HEAD_BYTES) throw new RangeError("it is too short");
  const view = new DataView(body.buffer, body.byteOffset, FRAME_HEAD_BYTES);
  const word = (index: number): number => view.getUint32(4 * index, true);
  const head = {
    hasText: word(0) === 1,
    keyKind: word(1),
    keyOffset: word(2),
    keyLength: word(3),
    textBytes: word(4),
    keyBytes: word(5),
  };
  if (frameParts(head, rows).bytes !== body.length) throw new RangeError("its parts contradict its length");
  return head;
}

/**
 * Throws RangeError where a merge could not go by it: a kernel takes for granted where rows and keys end. That they are those
 * that were written, and in order, checksums say.
 */
export function checkFrame(body: Uint8Array, rows: number, hasText: boolean): void {
  const head = readHead(body, rows);
  const { keyKind, keyLength, textBytes, keyBytes } = head;
  if (head.hasText !== hasText) throw new RangeError("its rows are not of the kind of its run");
  const parts = frameParts(head, rows);
  if (hasText && !areParts(wordsAt(body, parts.ends, rows), 1, textBytes))
    throw new RangeError("its rows contradict their lengths");
  const keysFit =
    keyKind === KEY_KIND.own
      ? areParts(wordsAt(body, parts.keyEnds, rows), 0, keyBytes)
      : keyKind === KEY_KIND.fixed
        ? keyLength * rows === keyBytes
        : hasText && keyBytes === 0 && (keyKind === KEY_KIND.row || keyKind === KEY_KIND.slice);
  if (!keysFit) throw new RangeError("its keys contradict their lengths");
}

/** Whether parts that end there, with so many bytes behind each, are so many bytes in all. */
function areParts(ends: Uint32Array, behind: number, bytes: number): boolean {
  let start = 0;
  for (let row = 0; row < ends.length; row++) {
    const end = ends[row] as number;
    if (end < start) return false;
    start = end + behind;
  }
  return start === bytes;
}

/** Frames are aligned in blocks, and so mostly where they are read to. */
function wordsAt(body: Uint8Array, at: number, words: number): Uint32Array {
  const offset = body.byteOffset + at;
  if (offset % 4 === 0) return new Uint32Array(body.buffer, offset, words);
  return new Uint32Array(body.slice(at, at + 4 * words).buffer, 0, words);
}
