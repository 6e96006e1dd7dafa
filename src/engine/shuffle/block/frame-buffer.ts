import { estimateBytes } from "../estimate.ts";

/** Estimated bytes of the rows of one frame in a block. Part of what blocks look like: changing it changes their bytes. */
export const FRAME_BYTES = 128 * 1024;
/** Rows of one frame at most. */
export const FRAME_ROWS = 8192;

/** Rows waiting to become a frame. */
export class FrameBuffer {
  readonly keys: unknown[] = [];
  readonly values: unknown[] = [];
  bytes = 0;
  readonly #bytesMax: number;

  constructor(bytesMax = FRAME_BYTES) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.values.length === 0;
  }

  /** Whether the rows are enough for a frame. */
  get isFull(): boolean {
    return this.bytes >= this.#bytesMax || this.values.length >= FRAME_ROWS;
  }

  /** Returns the estimate of what was added. */
  addPair(key: unknown, value: unknown): number {
    this.keys.push(key);
    const bytes = estimateBytes(key);
    this.bytes += bytes;
    return bytes + this.addRow(value);
  }

  /** The same for a row without a key. */
  addRow(value: unknown): number {
    this.values.push(value);
    const bytes = estimateBytes(value);
    this.bytes += bytes;
    return bytes;
  }

  clear(): void {
    this.keys.length = 0;
    this.values.length = 0;
    this.bytes = 0;
  }
}
