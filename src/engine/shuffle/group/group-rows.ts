/**
 * Rows in memory by key: each row knows the entry of its key, and when all are there they are brought together by a
 * counting sort, so that the values of a key lie side by side and only the distinct keys are sorted.
 *
 * As long as every value is a number, they lie in a typed array.
 */
import { KeyIndex } from "../aggregate/key-index.ts";
import { sortedEntries } from "../aggregate/sorted-entries.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import type { Cursor } from "../runs/cursor.ts";

/** What a row costs besides its value: the entry of its key, and its place while rows are brought together. */
const ROW_BYTES = 24;
const KEY_BYTES = 40;
const NUMBER_BYTES = estimateBytes(0);
const ROWS_MIN = 1024;

type Values = Float64Array | unknown[];

export class GroupRows {
  readonly index = new KeyIndex();
  /** A guess at what keys and rows take. */
  bytes = 0;
  rows = 0;
  /** By row, with room for more. */
  #entries = new Int32Array(ROWS_MIN);
  /** By row, with room for as many more; undefined once some value was not a number. */
  #numbers: Float64Array | undefined = new Float64Array(ROWS_MIN);
  #values: unknown[] = [];
  /** Whether all numbers are whole, of 32 bits and not -0. */
  #isWhole = true;

  add(key: unknown, value: unknown): void {
    const before = this.index.size;
    const entry = this.index.enter(key);
    if (entry === before) this.began(entry);
    if (typeof value === "number") this.addNumber(entry, value);
    else this.addValue(entry, value);
  }

  /** To be called for each new key, when it was entered. */
  began(entry: number): void {
    this.bytes += this.index.isFull ? Number.POSITIVE_INFINITY : KEY_BYTES + this.index.estimateOf(entry);
  }

  addNumber(entry: number, value: number): void {
    const numbers = this.#numbers;
    if (numbers === undefined) return this.addValue(entry, value);
    if (this.rows === this.#entries.length) return this.#grown().addNumber(entry, value);
    if ((value | 0) !== value || (value === 0 && 1 / value < 0)) this.#isWhole = false;
    numbers[this.rows] = value;
    this.#entries[this.rows++] = entry;
    this.bytes += ROW_BYTES + NUMBER_BYTES;
  }

  addValue(entry: number, value: unknown): void {
    if (this.#numbers !== undefined) this.#toValues(this.#numbers);
    if (this.rows === this.#entries.length) this.#grown();
    this.#values.push(owned(value));
    this.#entries[this.rows++] = entry;
    this.bytes += ROW_BYTES + estimateBytes(value);
  }

  /** All rows by key, then by arrival. They must not change while they are read. */
  sorted(): GroupCursor {
    const ends = this.#ends();
    const numbers = this.#numbers;
    const values = numbers === undefined ? this.#valuesByKey(ends) : this.#numbersByKey(numbers, ends);
    return new GroupCursor(this.index, values, ends, numbers !== undefined && this.#isWhole);
  }

  clear(): void {
    this.index.clear();
    this.bytes = 0;
    this.rows = 0;
    this.#entries = new Int32Array(ROWS_MIN);
    this.#numbers = new Float64Array(ROWS_MIN);
    this.#values = [];
    this.#isWhole = true;
  }

  /** By entry, where its rows begin; `#…ByKey` moves each to where they end. */
  #ends(): Int32Array {
    const entries = this.#entries;
    const ends = new Int32Array(this.index.size + 1);
    for (let row = 0; row < this.rows; row++) ends[(entries[row] as number) + 1]!++;
    for (let entry = 0; entry < this.index.size; entry++) ends[entry + 1]! += ends[entry] as number;
    return ends;
  }

  #numbersByKey(numbers: Float64Array, ends: Int32Array): Float64Array {
    const entries = this.#entries;
    const byKey = new Float64Array(this.rows);
    for (let row = 0; row < this.rows; row++) byKey[ends[entries[row] as number]!++] = numbers[row] as number;
    return byKey;
  }

  #valuesByKey(ends: Int32Array): unknown[] {
    const entries = this.#entries;
    const rowsByKey = new Int32Array(this.rows);
    for (let row = 0; row < this.rows; row++) rowsByKey[ends[entries[row] as number]!++] = row;
    return Array.from(rowsByKey, (row) => this.#values[row]);
  }

  #grown(): this {
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
    if (this.#numbers === undefined) return this;
    const numbers = new Float64Array(entries.length);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    return this;
  }

  #toValues(numbers: Float64Array): void {
    this.#values = Array.from(numbers.subarray(0, this.rows));
    this.#numbers = undefined;
  }
}

export class GroupCursor implements Cursor {
  key: unknown = undefined;
  value: unknown = undefined;
  readonly #index: KeyIndex;
  readonly #values: Values;
  /** By entry: where its values end. They begin where those of the entry before do. */
  readonly #ends: Int32Array;
  readonly #isWhole: boolean;
  readonly #sorted: Uint32Array;
  #next = 0;
  #at = 0;
  #end = 0;

  constructor(index: KeyIndex, values: Values, ends: Int32Array, isWhole: boolean) {
    this.#index = index;
    this.#values = values;
    this.#ends = ends;
    this.#isWhole = isWhole;
    this.#sorted = sortedEntries(index);
  }

  next(): boolean {
    if (this.#at === this.#end) {
      const entry = this.#sorted[this.#next++];
      if (entry === undefined) return false;
      this.#at = entry === 0 ? 0 : (this.#ends[entry - 1] as number);
      this.#end = this.#ends[entry] as number;
      this.key = this.#index.keyOf(entry);
    }
    this.value = this.#values[this.#at++];
    return true;
  }

  /** The values of the current row and of all that are left of its key; the next row is of another. */
  restOfKey(): unknown[] {
    const from = this.#at - 1;
    const length = this.#end - from;
    this.#at = this.#end;
    const values = this.#values;
    if (!(values instanceof Float64Array)) return values.slice(from, from + length);
    return this.#isWhole
      ? wholeNumbers(values, from, length)
      : Array.from(values.subarray(from, from + length));
  }
}

/** As V8 keeps small whole numbers, which is shorter and is read faster. */
function wholeNumbers(numbers: Float64Array, from: number, length: number): number[] {
  const list: number[] = new Array(length);
  for (let i = 0; i < length; i++) list[i] = (numbers[from + i] as number) | 0;
  return list;
}
