/**
 * What a reader needs to find its range in the runs of a block: marks, each with a key. In the block, list 0 of the
 * sink holds samples, and list 1 what there is of runs and frames, in the order of runs and, of a run, of its frames.
 *
 *     u32 mark · u32 rows · u32 key bytes · key
 *
 * MARK_RUN begins a run: in place of rows it says how the run is stored, and its key is the run's last. MARK_FRAME is
 * a frame of the run, with its first key; MARK_SAMPLE a key that stands for so many rows around it.
 *
 * Keys have their tags (key-bytes.ts) and are cut: keys of frames and runs after KEY_BYTES_MAX, and samples one byte
 * before that. Only samples become the borders of ranges, so whether a key comes before a border, as bytes are
 * compared, can be told by the cut key: a border that is as long as the part of it that is left does not exist.
 */
import { assert } from "../../../base/assert.ts";
import { KEY_TAG } from "./key-bytes.ts";

export const LIST_SAMPLES = 0;
export const LIST_FRAMES = 1;
export const MARK_RUN = 0;
export const MARK_FRAME = 1;
export const MARK_SAMPLE = 2;
/** Keys that share more cannot be told apart by their marks, and stay in one range. */
export const KEY_BYTES_MAX = 256;
/** Keys sampled of a run. */
export const SAMPLES_PER_RUN = 64;

/** How a run is stored: bits. */
export const RUN_TEXT = 1;
/** Its keys are strings without their tag. */
export const RUN_UNTAGGED = 2;
/** Its rows are the keys, and are not text: keys are made of them again. */
export const RUN_DERIVED = 4;

/** List of a run's frames: of text, or of keys. */
export const frameList = (run: number): number => 2 + 2 * run;
/** List of the frames with its rows where they are not text, cut alike. */
export const valueList = (run: number): number => 3 + 2 * run;

export interface Mark {
  readonly mark: number;
  readonly rows: number;
  readonly key: Buffer;
}

const HEAD_BYTES = 12;
const FRAME_BYTES = 64 * 1024;

/** Puts marks together to frames. */
export class MarkWriter {
  readonly #write: (marks: number, body: Uint8Array) => void;
  #bytes = Buffer.allocUnsafeSlow(FRAME_BYTES);
  #length = 0;
  #marks = 0;

  constructor(write: (marks: number, body: Uint8Array) => void) {
    this.#write = write;
  }

  add(mark: number, rows: number, key: Uint8Array): void {
    const { length } = key;
    assert(length <= KEY_BYTES_MAX, "the key of a mark is cut");
    if (this.#length + HEAD_BYTES + length > FRAME_BYTES) this.flush();
    this.#length = this.#bytes.writeUInt32LE(mark, this.#length);
    this.#length = this.#bytes.writeUInt32LE(rows, this.#length);
    this.#length = this.#bytes.writeUInt32LE(length, this.#length);
    this.#bytes.set(key, this.#length);
    this.#length += length;
    this.#marks++;
  }

  flush(): void {
    if (this.#marks === 0) return;
    this.#write(this.#marks, this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    this.#marks = 0;
  }
}

/** Throws RangeError where they are no marks. Keys are views. */
export function readMarks(body: Uint8Array): Mark[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const marks: Mark[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 8);
    const end = at + HEAD_BYTES + length;
    const key = bytes.subarray(at + HEAD_BYTES, end);
    if (key.length !== length) throw new RangeError("a mark is cut off");
    marks.push({ mark: bytes.readUInt32LE(at), rows: bytes.readUInt32LE(at + 4), key });
    at = end;
  }
  return marks;
}

const STRING_TAG = Buffer.from([KEY_TAG.string]);

/** The key of a mark, of a run's key: with its tag, and cut. `key` need not have more than `bytesMax` bytes. */
export const markKey = (key: Buffer, untagged: boolean, bytesMax: number): Buffer =>
  (untagged ? Buffer.concat([STRING_TAG, key]) : key).subarray(0, bytesMax);
