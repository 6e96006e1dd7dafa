import { compareKeys } from "../../../base/compare.ts";
import { estimateBytes } from "../estimate.ts";

/** What a row costs besides key and value: its places in the heap. */
const ROW_BYTES = 32;

export interface TopRows {
  readonly keys: readonly unknown[];
  readonly rows: readonly unknown[];
}

/** The rows with the greatest keys seen so far; of equal ones the earlier. A binary heap with the least of them on top. */
export class TopHeap {
  /** A guess at what the rows take in memory. */
  bytes = 0;
  readonly #count: number;
  /** By slot; slots are filled once and then reused, the heap orders them. */
  readonly #keys: unknown[] = [];
  readonly #rows: unknown[] = [];
  readonly #sizes: number[] = [];
  readonly #arrivals: number[] = [];
  readonly #heap: number[] = [];
  #arrived = 0;
  /** So many rows with keys at least as great were let go: one with no greater key is not wanted any more. */
  #floor: { readonly key: unknown } | undefined;

  constructor(count: number) {
    this.#count = count;
  }

  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  /** Whether a row with this key, arriving now, belongs to the greatest so far. */
  wants(key: unknown): boolean {
    if (this.#floor !== undefined && compareKeys(key, this.#floor.key) <= 0) return false;
    if (this.#heap.length < this.#count) return true;
    const least = this.#heap[0];
    return least !== undefined && compareKeys(key, this.#keys[least]) > 0;
  }

  /** Adds a row that is wanted; the least one goes where there are too many. */
  add(key: unknown, row: unknown): void {
    const full = this.#heap.length === this.#count;
    const slot = full ? (this.#heap[0] as number) : this.#heap.length;
    const bytes = ROW_BYTES + estimateBytes(key) + estimateBytes(row);
    this.bytes += bytes - (full ? (this.#sizes[slot] as number) : 0);
    this.#keys[slot] = key;
    this.#rows[slot] = row;
    this.#sizes[slot] = bytes;
    this.#arrivals[slot] = this.#arrived++;
    if (full) this.#sink();
    else this.#rise(slot);
  }

  /** Greatest first, of equal ones the earlier first. */
  sorted(): TopRows {
    const slots = [...this.#heap].sort((a, b) => (this.#less(a, b) ? 1 : -1));
    return { keys: slots.map((slot) => this.#keys[slot]), rows: slots.map((slot) => this.#rows[slot]) };
  }

  /** As `sorted`, and forgets them, but for the least key that is still wanted. */
  letGo(): TopRows {
    const sorted = this.sorted();
    if (sorted.keys.length === this.#count) this.#floor = { key: sorted.keys.at(-1) };
    for (const list of [this.#keys, this.#rows, this.#sizes, this.#arrivals, this.#heap]) list.length = 0;
    this.bytes = 0;
    return sorted;
  }

  #rise(slot: number): void {
    const heap = this.#heap;
    let at = heap.push(slot) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#less(slot, heap[parent] as number)) break;
      heap[at] = heap[parent] as number;
      at = parent;
    }
    heap[at] = slot;
  }

  #sink(): void {
    const heap = this.#heap;
    const slot = heap[0] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#less(heap[child + 1] as number, heap[child] as number)) child++;
      if (!this.#less(heap[child] as number, slot)) break;
      heap[at] = heap[child] as number;
      at = child;
    }
    heap[at] = slot;
  }

  /** A total order: the later of equal keys is the lesser. */
  #less(a: number, b: number): boolean {
    const order = compareKeys(this.#keys[a], this.#keys[b]);
    return order < 0 || (order === 0 && (this.#arrivals[a] as number) > (this.#arrivals[b] as number));
  }
}
