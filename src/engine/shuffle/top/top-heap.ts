import { compareKeys } from "../../../base/compare.ts";

/** The rows with the greatest keys seen so far; of equal ones the earlier. A binary heap with the least of them on top. */
export class TopHeap {
  readonly #count: number;
  /** By slot; slots are filled once and then reused, the heap orders them. */
  readonly #keys: unknown[] = [];
  readonly #rows: unknown[] = [];
  readonly #arrivals: number[] = [];
  readonly #heap: number[] = [];
  #arrived = 0;

  constructor(count: number) {
    this.#count = count;
  }

  /** Whether a row with this key, arriving now, belongs to the greatest so far. */
  wants(key: unknown): boolean {
    if (this.#heap.length < this.#count) return true;
    const least = this.#heap[0];
    return least !== undefined && compareKeys(key, this.#keys[least]) > 0;
  }

  /** Adds a row that is wanted; the least one goes where there are too many. */
  add(key: unknown, row: unknown): void {
    const full = this.#heap.length === this.#count;
    const slot = full ? (this.#heap[0] as number) : this.#heap.length;
    this.#keys[slot] = key;
    this.#rows[slot] = row;
    this.#arrivals[slot] = this.#arrived++;
    if (full) this.#sink();
    else this.#rise(slot);
  }

  /** Greatest first, of equal ones the earlier first. */
  sorted(): { readonly keys: readonly unknown[]; readonly rows: readonly unknown[] } {
    const slots = [...this.#heap].sort((a, b) => (this.#less(a, b) ? 1 : -1));
    return { keys: slots.map((slot) => this.#keys[slot]), rows: slots.map((slot) => this.#rows[slot]) };
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
