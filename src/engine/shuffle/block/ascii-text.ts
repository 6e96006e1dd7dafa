/**
 * Short ASCII texts on their way into frames: written as bytes when they come, so that thousands of strings need not
 * outlive the records they came in. Keys are read for their hash at the same time.
 */
import { finishHash, hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import type { TextBytes } from "./column.ts";

/** Longer texts stay strings. */
export const TEXT_UNITS_MAX = 64;
const ASCII_MAX = 0x7f;
const ROWS_MIN = 64;
const BYTES_MIN = 512;

/** The text that was read last. */
export class AsciiText {
  readonly bytes = new Uint8Array(TEXT_UNITS_MAX);
  length = 0;
  /** What `hashKey` gives for it. */
  hash = 0;

  /** False for a text that is long or not ASCII: then this holds nothing. */
  read(text: string): boolean {
    const { length } = text;
    if (length > TEXT_UNITS_MAX) return false;
    const { bytes } = this;
    let hash = TEXT_SEED;
    let units = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      units |= unit;
      bytes[i] = unit;
      hash = hashUnit(hash, unit);
    }
    this.length = length;
    this.hash = finishHash(hash) >>> 0;
    return units <= ASCII_MAX;
  }
}

/** A column of texts that grows. */
export class TextColumnBuffer {
  #bytes = new Uint8Array(BYTES_MIN);
  #lengths = new Uint32Array(ROWS_MIN);
  #end = 0;
  #rows = 0;

  add({ bytes: text, length }: AsciiText): void {
    if (this.#isTight) this.#grow();
    const bytes = this.#bytes;
    let to = this.#end;
    for (let i = 0; i < length; i++) bytes[to++] = text[i] as number;
    this.#end = to;
    this.#lengths[this.#rows++] = length;
  }

  /** False, and takes nothing, for a text that is long or not ASCII. */
  addText(text: string): boolean {
    const { length } = text;
    if (length > TEXT_UNITS_MAX) return false;
    if (this.#isTight) this.#grow();
    const bytes = this.#bytes;
    let to = this.#end;
    let units = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      units |= unit;
      bytes[to++] = unit;
    }
    if (units > ASCII_MAX) return false;
    this.#end = to;
    this.#lengths[this.#rows++] = length;
    return true;
  }

  /** Whether the next text may find no room. */
  get #isTight(): boolean {
    return this.#end + TEXT_UNITS_MAX > this.#bytes.length || this.#rows === this.#lengths.length;
  }

  #grow(): void {
    if (this.#end + TEXT_UNITS_MAX > this.#bytes.length) {
      const bytes = new Uint8Array(this.#bytes.length * 2);
      bytes.set(this.#bytes);
      this.#bytes = bytes;
    }
    if (this.#rows < this.#lengths.length) return;
    const lengths = new Uint32Array(this.#rows * 2);
    lengths.set(this.#lengths);
    this.#lengths = lengths;
  }

  /** Views: valid until the next change. */
  column(): TextBytes {
    return { bytes: this.#bytes.subarray(0, this.#end), lengths: this.#lengths.subarray(0, this.#rows) };
  }

  /** Adds the texts to a list, as strings, and is empty then. */
  moveTo(list: unknown[]): void {
    const text = Buffer.from(this.#bytes.buffer, 0, this.#end);
    let at = 0;
    for (let row = 0; row < this.#rows; row++) {
      const end = at + (this.#lengths[row] as number);
      list.push(text.toString("latin1", at, end));
      at = end;
    }
    this.clear();
  }

  clear(): void {
    this.#end = 0;
    this.#rows = 0;
  }
}
