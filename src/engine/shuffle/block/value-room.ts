/**
 * Where a frame is read that becomes values: they are copies of all that is in it, so that the next frame may be read to the
 * same place. An array for each frame is memory that has to be filled with zeros first, counts for V8 as a reason to
 * collect, and stays with `malloc` when it has been.
 *
 * Invariant: from reading a frame to having its values nobody else of the thread reads one. Both are synchronous, and
 * neither calls anybody's functions.
 */
import type { Crc32 } from "../../../ports/codec.ts";

/** What a thread keeps. Frames are smaller, but for those of very large rows. */
const KEPT_BYTES_MAX = 1024 * 1024;
const KEPT_BYTES_MIN = 256 * 1024;

/** Where a frame is read to: each may go where the one before was. */
export interface Room {
  take(bytes: number): Uint8Array;
  /** A faster way to the same checksum, for what lies there. */
  fasterCrc?(crc32: Crc32): Crc32;
}

let kept = new Uint8Array(0);

export const valueRoom: Room = {
  take(bytes) {
    if (bytes > KEPT_BYTES_MAX) return new Uint8Array(bytes);
    if (bytes > kept.length) kept = new Uint8Array(Math.max(bytes, KEPT_BYTES_MIN));
    return kept.subarray(0, bytes);
  },
};
