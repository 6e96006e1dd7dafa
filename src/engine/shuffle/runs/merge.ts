/**
 * Merges sorted cursors into one. Rows with equal keys come in the order of their cursors, so that merging runs in
 * the order of their making keeps a sort stable.
 */
import type { Cursor } from "./cursor.ts";

export type KeyOrder = (a: unknown, b: unknown) => number;

/** A binary heap of cursors, the one with the next row at the top. */
export class MergeCursor implements Cursor {
  key: unknown = undefined;
  value: unknown = undefined;
  readonly #cursors: readonly Cursor[];
  readonly #order: KeyOrder;
  /** Indices of the cursors that have a row. */
  readonly #heap: number[] = [];
  #started = false;

  constructor(cursors: readonly Cursor[], order: KeyOrder) {
    this.#cursors = cursors;
    this.#order = order;
  }

  next(): boolean {
    if (this.#started) this.#advanceTop();
    else this.#start();
    const top = this.#heap[0];
    if (top === undefined) return false;
    const cursor = this.#cursors[top] as Cursor;
    this.key = cursor.key;
    this.value = cursor.value;
    return true;
  }

  #start(): void {
    this.#started = true;
    this.#cursors.forEach((cursor, index) => {
      if (cursor.next()) this.#heap.push(index);
    });
    for (let at = this.#heap.length >> 1; at-- > 0; ) this.#sink(at);
  }

  #advanceTop(): void {
    const top = this.#heap[0];
    if (top === undefined) return;
    if (!(this.#cursors[top] as Cursor).next()) {
      const last = this.#heap.pop() as number;
      if (this.#heap.length === 0) return;
      this.#heap[0] = last;
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const moving = heap[from] as number;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1] as number, heap[child] as number)) child++;
      if (!this.#before(heap[child] as number, moving)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = moving;
  }

  #before(a: number, b: number): boolean {
    const order = this.#order((this.#cursors[a] as Cursor).key, (this.#cursors[b] as Cursor).key);
    return order < 0 || (order === 0 && a < b);
  }
}
