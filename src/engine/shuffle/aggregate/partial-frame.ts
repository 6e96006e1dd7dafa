/**
 * A frame of partial results on its way into a table, column by column: keys that are bytes there stay bytes, and
 * partial results that are numbers meet the user's function in a loop of its own.
 *
 * Keys are entered first, as far as the table's memory goes, and then the partial results are merged into what stood
 * there. New keys begin with theirs at once, so for each key everything happens in the order of the rows.
 */
import type { UserFunction } from "../../../plan/node.ts";
import type { Column, TextColumn } from "../block/column.ts";
import { columnValues } from "../block/column-values.ts";
import type { FrameColumns } from "../block/frame.ts";
import { owned } from "../own-string.ts";
import type { AggregateTable } from "./aggregate-table.ts";

/** Marks a row whose key was new. */
const BEGUN = -1;

export class PartialFrame {
  readonly rows: number;
  readonly #keys: Column;
  readonly #partials: Column;
  readonly #numbers: Float64Array | undefined;
  /** By row. */
  readonly #entries: Int32Array;
  /** The next row to be merged, and for texts where its key begins. */
  #row = 0;
  #at = 0;
  #keyValues: readonly unknown[] | undefined;
  #partialValues: readonly unknown[] | undefined;

  constructor({ rows, keys, values }: FrameColumns) {
    this.rows = rows;
    this.#keys = keys ?? { kind: "values", values: new Array(rows).fill(undefined) };
    this.#partials = values;
    this.#numbers = values.kind === "numbers" ? Float64Array.from(values.numbers) : undefined;
    this.#entries = new Int32Array(rows);
  }

  /** Whether all rows were merged. */
  get isDone(): boolean {
    return this.#row === this.rows;
  }

  /** Merges rows until the table is full or there are no more; says whether it is full. */
  mergeInto(table: AggregateTable, loop: MergeLoop, memoryBytes: number): boolean {
    if (table.numbers === undefined || this.#numbers === undefined) {
      return this.#mergeValues(table, memoryBytes);
    }
    return this.#mergeNumbers(table, this.#numbers, loop, memoryBytes);
  }

  /** Gives the rows that are left, as keys and values. */
  drainTo(onPair: (key: unknown, partial: unknown) => void): void {
    const keys = this.#allKeys();
    for (; this.#row < this.rows; this.#row++) onPair(keys[this.#row], this.#partialOf(this.#row));
  }

  #mergeValues(table: AggregateTable, memoryBytes: number): boolean {
    const keys = this.#allKeys();
    while (this.#row < this.rows) {
      table.merge(keys[this.#row], owned(this.#partialOf(this.#row)));
      this.#row++;
      if (table.isFull(memoryBytes)) return true;
    }
    return false;
  }

  #mergeNumbers(
    table: AggregateTable,
    partials: Float64Array,
    loop: MergeLoop,
    memoryBytes: number,
  ): boolean {
    const from = this.#row;
    const to = this.#enterKeys(table, partials, memoryBytes);
    this.#row = to;
    const entries = this.#entries;
    const odd: OddResult = { value: undefined };
    let row = loop(entries, partials, table.numbers as Float64Array, from, to, odd);
    if (row === to) return table.isFull(memoryBytes);
    // From here on one by one.
    table.replace(entries[row] as number, odd.value, partials[row]);
    for (row++; row < to; row++) {
      const entry = entries[row] as number;
      if (entry !== BEGUN) table.mergeInto(entry, partials[row]);
    }
    return table.isFull(memoryBytes);
  }

  /** Returns behind the last row whose key was entered. */
  #enterKeys(table: AggregateTable, partials: Float64Array, memoryBytes: number): number {
    const keys = this.#keys;
    if (keys.kind === "text" && keys.encoding === "ascii")
      return this.#enterTexts(table, keys, partials, memoryBytes);
    const { index } = table;
    const entries = this.#entries;
    const values = this.#allKeys();
    let row = this.#row;
    while (row < this.rows) {
      const before = index.size;
      const entry = index.enter(values[row]);
      entries[row] = entry === before ? BEGUN : entry;
      row++;
      if (entry !== before) continue;
      table.beginPartial(partials[row - 1]);
      if (table.isFull(memoryBytes)) break;
    }
    return row;
  }

  #enterTexts(table: AggregateTable, keys: TextColumn, partials: Float64Array, memoryBytes: number): number {
    const { index } = table;
    const { bytes, lengths } = keys;
    const entries = this.#entries;
    let at = this.#at;
    let row = this.#row;
    let size = index.size;
    while (row < this.rows) {
      const end = at + (lengths[row] as number);
      const entry = index.enterAscii(bytes, at, end);
      at = end;
      entries[row] = entry === size ? BEGUN : entry;
      row++;
      if (entry !== size) continue;
      size++;
      table.beginPartial(partials[row - 1]);
      if (table.isFull(memoryBytes)) break;
    }
    this.#at = at;
    return row;
  }

  #allKeys(): readonly unknown[] {
    this.#keyValues ??= columnValues(this.#keys);
    return this.#keyValues;
  }

  #partialOf(row: number): unknown {
    if (this.#numbers !== undefined) return this.#numbers[row];
    if (this.#partials.kind === "values") return this.#partials.values[row];
    this.#partialValues ??= columnValues(this.#partials);
    return this.#partialValues[row];
  }
}

interface OddResult {
  value: unknown;
}

/**
 * Merges rows [from, to) into the numbers of their entries, those aside that have begun one. Returns the row at which
 * it stopped, as its result is `odd` and not a number.
 */
export type MergeLoop = (
  entries: Int32Array,
  partials: Float64Array,
  numbers: Float64Array,
  from: number,
  to: number,
  odd: OddResult,
) => number;

export const countLoop: MergeLoop = (entries, partials, numbers, from, to) => {
  for (let row = from; row < to; row++) {
    const entry = entries[row] as number;
    if (entry >= 0) numbers[entry]! += partials[row] as number;
  }
  return to;
};

const MERGE_SOURCE = `"use strict";
return function mergeNumbers(entries, partials, numbers, from, to, odd) {
for (let row = from; row < to; row++) {
const entry = entries[row];
if (entry < 0) continue;
const merged = merge(numbers[entry], partials[row]);
if (typeof merged !== "number") { odd.value = merged; return row; }
numbers[entry] = merged;
}
return to;
};`;

const mergeLoops = new WeakMap<UserFunction, MergeLoop>();

/** A loop of this function's own, so that V8 sees one function called there and inlines it. */
export function mergeLoopOf(merge: UserFunction): MergeLoop {
  let loop = mergeLoops.get(merge);
  if (loop === undefined) {
    loop = new Function("merge", MERGE_SOURCE)(merge) as MergeLoop;
    mergeLoops.set(merge, loop);
  }
  return loop;
}
