/**
 * Keys and their accumulators: the table of an aggregation, on both sides of the shuffle.
 *
 * Owns: calling the user's `init`, `add` and `merge`, in order of arrival for each key. Counts are plain numbers
 * and call nobody.
 *
 * While every accumulator is a number, they lie in a typed array: generated loops update them there, and come here
 * for new keys only. The first accumulator that is anything else turns them into a list of values.
 *
 * Accumulators can grow (a list, a set), and measuring each after each change would cost more than the change. So
 * changes are charged by what went in, and once the charge reaches the limit a sample is measured anew. All of it
 * depends on the values alone.
 */
import type { Aggregator } from "../../../plan/node.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import { KeyIndex } from "./key-index.ts";

/** What the table itself costs per key. */
export const ENTRY_BYTES = 40;
const NUMBER_BYTES = estimateBytes(0);
const CHANGE_BYTES = 16;
const SAMPLE_ENTRIES = 256;
const NUMBERS_MIN = 512;
/** Measured anew and above this part of the limit, the table counts as full: else it would be measured all the time. */
const FULL_PART = 0.75;

export type Init = (value: unknown) => unknown;
export type Combine = (accumulator: unknown, other: unknown) => unknown;

export class AggregateTable {
  readonly index = new KeyIndex();
  /** By entry, while all of them are numbers; longer than there are entries. Made anew as it grows. */
  numbers: Float64Array | undefined = new Float64Array(NUMBERS_MIN);
  /** By entry, once some accumulator was not a number. */
  values: unknown[] = [];
  readonly counts: boolean;
  readonly #init: Init;
  readonly #add: Combine;
  readonly #merge: Combine;
  readonly #isFixed: boolean;
  #bytes = 0;
  /** Whether some accumulator changed in place, so that `#bytes` is only an upper guess. */
  #charged = false;

  constructor(aggregator: Aggregator | "count") {
    this.counts = aggregator === "count";
    const functions = aggregator === "count" ? counting : aggregator;
    this.#isFixed = functions.isFixed === true;
    this.#init = functions.init as Init;
    this.#add = functions.add as Combine;
    this.#merge = functions.merge as Combine;
  }

  get size(): number {
    return this.index.size;
  }

  /** Makes room for so many keys, as far as they do not fill it. Only while it is empty. */
  reserve(keys: number, bytesMax = Number.POSITIVE_INFINITY): void {
    const room = Math.min(keys, Math.floor(bytesMax / (ENTRY_BYTES + NUMBER_BYTES)));
    this.index.reserve(room);
    if (this.numbers !== undefined && this.numbers.length < room) this.numbers = new Float64Array(room);
  }

  accumulatorOf(entry: number): unknown {
    return this.numbers === undefined ? this.values[entry] : this.numbers[entry];
  }

  /** Takes one record's value. Throws KEY_INVALID and what the user's functions throw. */
  add(key: unknown, value: unknown): void {
    const before = this.index.size;
    const entry = this.index.enter(key);
    if (entry === before) this.begin(value);
    else if (this.counts) (this.numbers as Float64Array)[entry]!++;
    else this.#change(entry, this.#add, value);
  }

  /** Makes the accumulator of the key that was entered last, which is new, from its first value. */
  begin(value: unknown): void {
    // Keys are entered first, as that is where an invalid one is found.
    this.#start(this.counts ? 1 : this.#init(value));
  }

  /** The same, from a partial result. */
  beginPartial(partial: unknown): void {
    this.#start(partial);
  }

  /** Takes a partial result, later than all taken so far. */
  merge(key: unknown, partial: unknown): void {
    const before = this.index.size;
    const entry = this.index.enter(key);
    if (entry === before) this.#start(partial);
    else this.mergeInto(entry, partial);
  }

  mergeInto(entry: number, partial: unknown): void {
    const { numbers } = this;
    // Counts are numbers, but for those of a block that was damaged and has a right checksum all the same.
    if (this.counts && numbers !== undefined) numbers[entry]! += partial as number;
    else this.#change(entry, this.#merge, partial);
  }

  /** Takes the accumulator that a function gave for this entry, and that may be anything. */
  replace(entry: number, changed: unknown, value: unknown): void {
    const { numbers } = this;
    if (numbers !== undefined) {
      if (typeof changed === "number") {
        numbers[entry] = changed;
        return;
      }
      this.#toValues(numbers);
    }
    const old = this.values[entry];
    this.values[entry] = changed;
    if (typeof changed === "string") {
      // A value that was chosen, not made: it may be a slice. (To copy what was put together would cost its length each time.)
      if (changed === value) this.values[entry] = owned(changed);
      this.#bytes += changed.length - (typeof old === "string" ? old.length : 0);
    } else if (typeof changed === "object" && changed !== null && !this.#isFixed) {
      this.#bytes += CHANGE_BYTES + estimateBytes(value);
      this.#charged = true;
    }
  }

  /** Whether keys and accumulators take about this much memory. */
  isFull(bytesMax: number): boolean {
    if (this.#bytes < bytesMax) return this.index.isFull;
    if (!this.#charged) return true;
    this.#bytes = this.#measure();
    return this.#bytes >= bytesMax * FULL_PART || this.index.isFull;
  }

  clear(): void {
    this.index.clear();
    this.numbers ??= new Float64Array(NUMBERS_MIN);
    this.values = [];
    this.#bytes = 0;
    this.#charged = false;
  }

  #start(accumulator: unknown): void {
    const entry = this.index.size - 1;
    if (this.numbers !== undefined && typeof accumulator === "number") {
      if (entry === this.numbers.length) {
        const numbers = new Float64Array(entry * 2);
        numbers.set(this.numbers);
        this.numbers = numbers;
      }
      this.numbers[entry] = accumulator;
      this.#bytes += ENTRY_BYTES + NUMBER_BYTES + this.index.estimateOf(entry);
      return;
    }
    if (this.numbers !== undefined) this.#toValues(this.numbers);
    this.values[entry] = owned(accumulator);
    this.#bytes += ENTRY_BYTES + this.index.estimateOf(entry) + estimateBytes(accumulator);
  }

  #change(entry: number, combine: Combine, value: unknown): void {
    const old = this.numbers === undefined ? this.values[entry] : this.numbers[entry];
    this.replace(entry, combine(old, value), value);
  }

  #toValues(numbers: Float64Array): void {
    this.values = Array.from(numbers.subarray(0, this.index.size));
    this.numbers = undefined;
  }

  #measure(): number {
    const { size } = this;
    const samples = Math.min(size, SAMPLE_ENTRIES);
    let bytes = 0;
    for (let i = 0; i < samples; i++) {
      const entry = Math.floor((i * size) / samples);
      bytes += this.index.estimateOf(entry) + estimateBytes(this.accumulatorOf(entry));
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
