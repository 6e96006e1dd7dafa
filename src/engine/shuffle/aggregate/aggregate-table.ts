/**
 * Keys and their accumulators: the table of an aggregation, on both sides of the shuffle.
 *
 * Owns: calling the user's `init`, `add` and `merge`, in order of arrival for each key. Counts are plain numbers
 * and call nobody.
 *
 * Accumulators can grow (a list, a set), and measuring each after each change would cost more than the change. So
 * changes are charged by what went in, and once the charge reaches the limit a sample is measured anew. All of it
 * depends on the values alone.
 */
import { hashKey } from "../../../base/hash.ts";
import type { Aggregator } from "../../../plan/node.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import { KeyTable } from "./key-table.ts";

/** What the table itself costs per key. */
export const ENTRY_BYTES = 40;
const CHANGE_BYTES = 16;
const SAMPLE_ENTRIES = 256;
/** Measured anew and above this part of the limit, the table counts as full: else it would be measured all the time. */
const FULL_PART = 0.75;

type Init = (value: unknown) => unknown;
type Combine = (accumulator: unknown, other: unknown) => unknown;

export class AggregateTable {
  readonly table = new KeyTable();
  /** By entry: accumulators or counts. */
  readonly accumulators: unknown[] = [];
  readonly #init: Init;
  readonly #add: Combine;
  readonly #merge: Combine;
  readonly #counts: boolean;
  readonly #isFixed: boolean;
  #bytes = 0;
  /** Whether some accumulator changed in place, so that `#bytes` is only an upper guess. */
  #charged = false;

  constructor(aggregator: Aggregator | "count") {
    this.#counts = aggregator === "count";
    const functions = aggregator === "count" ? counting : aggregator;
    this.#isFixed = functions.isFixed === true;
    this.#init = functions.init as Init;
    this.#add = functions.add as Combine;
    this.#merge = functions.merge as Combine;
  }

  get size(): number {
    return this.table.size;
  }

  /** Takes one record's value. Throws KEY_INVALID and what the user's functions throw. */
  add(key: unknown, value: unknown): void {
    const before = this.table.size;
    const entry = this.#enter(key);
    if (this.#counts) {
      if (entry < before) (this.accumulators as number[])[entry]!++;
      else this.#start(key, 1);
    } else if (entry < before) this.#change(entry, this.#add, value);
    else this.#start(key, this.#init(value));
  }

  #enter(key: unknown): number {
    return typeof key === "string" ? this.table.enterText(key) : this.table.enter(key, hashKey(key));
  }

  /** Takes a partial result, later than all taken so far. */
  merge(key: unknown, partial: unknown): void {
    const before = this.table.size;
    const entry = this.#enter(key);
    if (entry === before) this.#start(key, partial);
    else if (this.#counts) (this.accumulators as number[])[entry]! += partial as number;
    else this.#change(entry, this.#merge, partial);
  }

  /** Whether keys and accumulators take about this much memory. */
  isFull(bytesMax: number): boolean {
    if (this.#bytes < bytesMax) return false;
    if (!this.#charged) return true;
    this.#bytes = this.#measure();
    return this.#bytes >= bytesMax * FULL_PART;
  }

  clear(): void {
    this.table.clear();
    this.accumulators.length = 0;
    this.#bytes = 0;
    this.#charged = false;
  }

  #start(key: unknown, accumulator: unknown): void {
    this.accumulators.push(owned(accumulator));
    this.#bytes += ENTRY_BYTES + estimateBytes(key) + estimateBytes(accumulator);
  }

  #change(entry: number, combine: Combine, value: unknown): void {
    const old = this.accumulators[entry];
    const changed = combine(old, value);
    this.accumulators[entry] = changed;
    if (typeof changed === "string") {
      // A value that was chosen, not made: it may be a slice. (To copy what was put together would cost its length each time.)
      if (changed === value) this.accumulators[entry] = owned(changed);
      this.#bytes += changed.length - (typeof old === "string" ? old.length : 0);
    } else if (typeof changed === "object" && changed !== null && !this.#isFixed) {
      this.#bytes += CHANGE_BYTES + estimateBytes(value);
      this.#charged = true;
    }
  }

  #measure(): number {
    const { size } = this;
    const samples = Math.min(size, SAMPLE_ENTRIES);
    let bytes = 0;
    for (let i = 0; i < samples; i++) {
      const entry = Math.floor((i * size) / samples);
      bytes += estimateBytes(this.table.keys[entry]) + estimateBytes(this.accumulators[entry]);
    }
    return size * ENTRY_BYTES + Math.ceil((bytes / samples) * size);
  }
}

/** Never called where it counts: written out so that the table has one shape. */
const counting: Aggregator = {
  init: () => 1,
  add: (count: number) => count + 1,
  merge: (count: number, other: number) => count + other,
  finish: undefined,
};
