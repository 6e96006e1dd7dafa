/**
 * Rows by the number of their key, those of one key in order of arrival: chains over typed arrays. While each key has one
 * row, and came with it, the numbers are the same and there is nothing to chain.
 */
import { owned } from "../own-string.ts";
import { grown } from "./room.ts";

const ROWS_MIN = 1 << 10;
export const END = -1;

export class RowChains {
  /** By row. */
  readonly values: unknown[] = [];
  #chained = false;
  #nexts = new Int32Array(0);
  /** By entry: first and last row of the key; END for none. */
  #heads = new Int32Array(0);
  #tails = new Int32Array(0);

  /** The row's value must be safe to keep, but for being a slice itself. */
  add(entry: number, value: unknown): void {
    const row = this.values.length;
    if (entry !== row && !this.#chained) this.#chain(row);
    this.values.push(owned(value));
    if (!this.#chained) return;
    if (row === this.#nexts.length) this.#nexts = grown(this.#nexts, new Int32Array(row * 2));
    this.#nexts[row] = END;
    while (entry >= this.#heads.length) this.#growEntries();
    if (this.#heads[entry] === END) this.#heads[entry] = row;
    else this.#nexts[this.#tails[entry] as number] = row;
    this.#tails[entry] = row;
  }

  /** The first row of a key, or END. */
  first(entry: number): number {
    if (!this.#chained) return entry < this.values.length ? entry : END;
    return entry < this.#heads.length ? (this.#heads[entry] as number) : END;
  }

  /** The one after, or END. */
  next(row: number): number {
    return this.#chained ? (this.#nexts[row] as number) : END;
  }

  /** So many rows are the first and last of the keys with their numbers. */
  #chain(rows: number): void {
    const room = Math.max(ROWS_MIN, rows * 2);
    this.#chained = true;
    this.#nexts = new Int32Array(room).fill(END);
    this.#heads = new Int32Array(room).fill(END);
    this.#tails = new Int32Array(room);
    for (let row = 0; row < rows; row++) {
      this.#heads[row] = row;
      this.#tails[row] = row;
    }
  }

  #growEntries(): void {
    const { length } = this.#heads;
    this.#heads = grown(this.#heads, new Int32Array(length * 2).fill(END));
    this.#tails = grown(this.#tails, new Int32Array(length * 2));
  }
}
