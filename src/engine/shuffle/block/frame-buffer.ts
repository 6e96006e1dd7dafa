import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import { type AsciiText, TextColumnBuffer } from "./ascii-text.ts";
import type { ColumnSource } from "./column.ts";

/** Estimated bytes of the rows of one frame in a block. Part of what blocks look like: changing it changes their bytes. */
export const FRAME_BYTES = 128 * 1024;
/** Rows of one frame at most. */
export const FRAME_ROWS = 8192;

const EMPTY_TEXT_BYTES = estimateBytes("");

/** Rows waiting to become a frame. */
export class FrameBuffer {
  readonly keys: unknown[] = [];
  readonly values: unknown[] = [];
  bytes = 0;
  /** The keys, while all of them came as bytes: then `keys` is empty. */
  #texts: TextColumnBuffer | undefined;
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

  /** The keys, in whichever form they are; undefined where rows have none. */
  get keyColumn(): ColumnSource | undefined {
    if (this.#texts !== undefined && !this.#texts.isEmpty) return this.#texts.column();
    return this.keys.length === 0 ? undefined : this.keys;
  }

  /** Returns the estimate of what was added. */
  addPair(key: unknown, value: unknown): number {
    if (this.#texts !== undefined && !this.#texts.isEmpty) this.#texts.moveTo(this.keys);
    this.keys.push(key);
    const bytes = estimateBytes(key);
    this.bytes += bytes;
    return bytes + this.addRow(value);
  }

  /** The same for a key that is `text`, and was read there. */
  addAscii(text: string, read: AsciiText, value: unknown): number {
    if (this.keys.length > 0) return this.addPair(owned(text), value);
    this.#texts ??= new TextColumnBuffer();
    this.#texts.add(read);
    const bytes = EMPTY_TEXT_BYTES + read.length;
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
    this.#texts?.clear();
    this.bytes = 0;
  }
}
