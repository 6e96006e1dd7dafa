/**
 * Which rows a batch of a join's results is made of, by their numbers, until all of it is made at once: column by
 * column, which costs a fraction of making one row after the other.
 */
import type { Batch } from "../../batch.ts";
import { BATCH_ROWS } from "../generated-input.ts";
import type { MatchIndex } from "./match-index.ts";
import { roomFor } from "./room.ts";
import type { AnyStore } from "./store.ts";

/** Bytes of text of rows made for one batch: rows of a megabyte each must not be in memory by the thousand. */
const TEXT_BYTES_MAX = 1024 * 1024;
/** Rows that are never larger than this need not be measured. */
const TEXT_BYTES_EVEN = TEXT_BYTES_MAX / BATCH_ROWS;

/** Numbers of rows that are to be made; each then has its place among them. */
class Wanted {
  rows = new Uint32Array(BATCH_ROWS);
  count = 0;

  add(row: number): number {
    this.rows = roomFor(this.rows, this.count + 1);
    this.rows[this.count] = row;
    return this.count++;
  }

  get all(): Uint32Array {
    return this.rows.subarray(0, this.count);
  }
}

export class JoinedBatch {
  static readonly NONE = -1;
  static readonly bytesMax = TEXT_BYTES_MAX;
  readonly #index: MatchIndex;
  readonly #stores: readonly [AnyStore, AnyStore];
  /** By side: whether there are rows that are worth measuring. */
  readonly #uneven: readonly [boolean, boolean];
  readonly #keys = new Wanted();
  readonly #lefts = new Wanted();
  readonly #rights = new Wanted();
  /** For each result: the places of key, left and right row. */
  readonly #key = new Int32Array(BATCH_ROWS);
  readonly #left = new Int32Array(BATCH_ROWS);
  readonly #right = new Int32Array(BATCH_ROWS);
  #count = 0;
  #textBytes = 0;

  /** @param stores Of both sides, complete. */
  constructor(index: MatchIndex, stores: readonly [AnyStore, AnyStore]) {
    this.#index = index;
    this.#stores = stores;
    const isUneven = ({ textBytesMax }: AnyStore): boolean => textBytesMax > TEXT_BYTES_EVEN;
    this.#uneven = [isUneven(stores[0]), isUneven(stores[1])];
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get isFull(): boolean {
    return this.#count === BATCH_ROWS || this.#textBytes >= TEXT_BYTES_MAX;
  }

  /** Has a key made; returns its place. As for the rows below, it is for this batch only. */
  addKey(entry: number): number {
    return this.#keys.add(entry);
  }

  addLeft(row: number): number {
    this.#measure(0, row);
    return this.#lefts.add(row);
  }

  addRight(row: number): number {
    this.#measure(1, row);
    return this.#rights.add(row);
  }

  /** Whether any so many rows of the right side are not too much for one batch. */
  holdsRights(count: number): boolean {
    return this.#stores[1].textBytesMax * count <= TEXT_BYTES_MAX;
  }

  /** So many of them; returns the place of the first. */
  addRights(rows: Uint32Array, from: number, count: number): number {
    const first = this.#rights.count;
    for (let i = 0; i < count; i++) this.addRight(rows[from + i] as number);
    return first;
  }

  /** A result of these places, NONE where a side is missing. */
  add(key: number, left: number, right: number): void {
    this.#key[this.#count] = key;
    this.#left[this.#count] = left;
    this.#right[this.#count++] = right;
  }

  /** The results as `[key, [left, right]]`; it is empty then. */
  takePairs(): Batch {
    const keys = this.#index.keysOf(this.#keys.all);
    const lefts = this.#stores[0].take(this.#lefts.all);
    const rights = this.#stores[1].take(this.#rights.all);
    const count = this.#count;
    const rows: unknown[] = new Array(count);
    for (let i = 0; i < count; i++) {
      const left = this.#left[i] as number;
      const right = this.#right[i] as number;
      rows[i] = [
        keys[this.#key[i] as number],
        [left < 0 ? undefined : lefts[left], right < 0 ? undefined : rights[right]],
      ];
    }
    this.#clear();
    return { rows, count };
  }

  /** The results as `[key, left]`; it is empty then. */
  takeLefts(): Batch {
    const keys = this.#index.keysOf(this.#keys.all);
    const lefts = this.#stores[0].take(this.#lefts.all);
    const count = this.#count;
    const rows: unknown[] = new Array(count);
    for (let i = 0; i < count; i++) rows[i] = [keys[this.#key[i] as number], lefts[this.#left[i] as number]];
    this.#clear();
    return { rows, count };
  }

  #measure(side: 0 | 1, row: number): void {
    if (this.#uneven[side]) this.#textBytes += this.#stores[side].textBytesOf(row);
  }

  #clear(): void {
    this.#count = this.#textBytes = 0;
    this.#keys.count = this.#lefts.count = this.#rights.count = 0;
  }
}
