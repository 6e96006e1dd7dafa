import { hashKey } from "../../../base/hash.ts";
import { KeyTable } from "../aggregate/key-table.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";

/** What a row costs besides key and value: its places in the table and the chain. */
const ROW_BYTES = 24;
const KEY_BYTES = 40;
const END = -1;

/** Rows in memory, in a chain for each key. */
export class ChainTable {
  readonly table = new KeyTable();
  bytes = 0;
  /** By entry of the table: first and last row of the key. */
  readonly #heads: number[] = [];
  readonly #tails: number[] = [];
  /** By row. */
  readonly #values: unknown[] = [];
  readonly #nexts: number[] = [];

  get rows(): number {
    return this.#values.length;
  }

  add(key: unknown, value: unknown): void {
    const before = this.table.size;
    const entry = this.table.enter(key, hashKey(key));
    const row = this.#values.push(owned(value)) - 1;
    this.#nexts.push(END);
    this.bytes += ROW_BYTES + estimateBytes(value);
    if (entry === before) {
      this.#heads.push(row);
      this.bytes += KEY_BYTES + estimateBytes(key);
    } else this.#nexts[this.#tails[entry] as number] = row;
    this.#tails[entry] = row;
  }

  valuesOf(entry: number): unknown[] {
    const values: unknown[] = [];
    for (let row = this.#heads[entry] as number; row !== END; row = this.#nexts[row] as number) {
      values.push(this.#values[row]);
    }
    return values;
  }

  clear(): void {
    this.table.clear();
    this.bytes = 0;
    for (const list of [this.#heads, this.#tails, this.#values, this.#nexts]) list.length = 0;
  }
}
