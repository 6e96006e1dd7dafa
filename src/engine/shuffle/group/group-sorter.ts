/**
 * Brings rows into key order, equal keys in order of arrival, in bounded memory: rows are chained by key in a hash
 * table, so that only the distinct keys are sorted, and each time the budget is used up everything becomes a run
 * on scratch.
 */
import { compareKeys } from "../../../base/compare.ts";
import { hashKey } from "../../../base/hash.ts";
import { KeyTable } from "../aggregate/key-table.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import type { Cursor } from "../runs/cursor.ts";
import { RunStore, type RunStoreOptions } from "../runs/runs.ts";

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

  /** All rows by key. The table must not change while it is read. */
  sorted(): Cursor {
    const entries = this.table.sorted();
    let next = 0;
    let row = END;
    const cursor = {
      key: undefined as unknown,
      value: undefined as unknown,
      next: (): boolean => {
        if (row === END) {
          const entry = entries[next++];
          if (entry === undefined) return false;
          row = this.#heads[entry] as number;
          cursor.key = this.table.keys[entry];
        }
        cursor.value = this.#values[row];
        row = this.#nexts[row] as number;
        return true;
      },
    };
    return cursor;
  }

  clear(): void {
    this.table.clear();
    this.bytes = 0;
    for (const list of [this.#heads, this.#tails, this.#values, this.#nexts]) list.length = 0;
  }
}

export class GroupSorter {
  readonly #memoryBytes: number;
  readonly #memory = new ChainTable();
  readonly #runs: RunStore;

  constructor(options: Omit<RunStoreOptions, "order">) {
    this.#memoryBytes = options.memoryBytes;
    this.#runs = new RunStore({ ...options, order: compareKeys });
  }

  /** Whether nothing was written to scratch. */
  get inMemory(): boolean {
    return this.#runs.isEmpty;
  }

  /** Takes a sorted run that comes before all rows. */
  begin(run: Cursor): void {
    this.#runs.spill(run);
  }

  add(key: unknown, value: unknown): void {
    this.#memory.add(key, value);
    if (this.#memory.bytes >= this.#memoryBytes) this.#spill();
  }

  /** All rows by key, then by arrival. No more can be added. */
  finish(): Cursor {
    if (this.inMemory) return this.#memory.sorted();
    if (this.#memory.rows > 0) this.#spill();
    return this.#runs.merged();
  }

  dispose(): void {
    this.#memory.clear();
    this.#runs.dispose();
  }

  #spill(): void {
    this.#runs.spill(this.#memory.sorted());
    this.#memory.clear();
  }
}
