/** Rows by the number of their key, those of one key in order of arrival: chains over typed arrays. */
import { owned } from "../own-string.ts";
import { grown } from "./match-index.ts";

const ROWS_MIN = 1 << 10;
export const END = -1;

export class RowChains {
  /** By row. */
  readonly values: unknown[] = [];
  #nexts = new Int32Array(ROWS_MIN);
  /** By entry: first and last row of the key; END for none. */
  #heads = new Int32Array(ROWS_MIN).fill(END);
  #tails = new Int32Array(ROWS_MIN);

  /** The row's value must be safe to keep, but for being a slice itself. */
  add(entry: number, value: unknown): void {
    const row = this.values.length;
    this.values.push(owned(value));
    if (row === this.#nexts.length) this.#nexts = grown(this.#nexts, new Int32Array(row * 2));
    this.#nexts[row] = END;
    while (entry >= this.#heads.length) this.#growEntries();
    if (this.#heads[entry] === END) this.#heads[entry] = row;
    else this.#nexts[this.#tails[entry] as number] = row;
    this.#tails[entry] = row;
  }

  /** The first row of a key, or END. */
  first(entry: number): number {
    return entry < this.#heads.length ? (this.#heads[entry] as number) : END;
  }

  /** The one after, or END. */
  next(row: number): number {
    return this.#nexts[row] as number;
  }

  #growEntries(): void {
    const { length } = this.#heads;
    this.#heads = grown(this.#heads, new Int32Array(length * 2).fill(END));
    this.#tails = grown(this.#tails, new Int32Array(length * 2));
  }
}
