/**
 * When a thread collects its garbage of its own accord, ahead of V8. While V8 marks, it lets a heap grow by 32 MB beyond
 * the limit it has set itself, however small that is, and from V8 13 on it puts the collection of young objects off
 * until then. Where a thread's share is smaller than that, its garbage alone exceeds it.
 *
 * Where shares are roomy V8 is always first, and this costs nothing but looking. It sees to the common case; what all
 * threads hold together is watched by `MemoryWatch`.
 *
 * Pure: it is told what the heap is, and says what to do. It decides when memory is given back, never what a task gives.
 */

/** Of what counted tables and buffers leave of a thread's memory: as much again as lies between two looks needs room. */
const HEAP_PART = 3 / 4;
/** A look costs microseconds, a thread fills some hundred kilobytes in a millisecond. */
const LOOK_INTERVAL_MS = 2;
/** A heap that is held, and no garbage, must not be collected over and over: each time it costs what it is large. */
const GROWTH_PART = 1.5;

/** @param tablesBytes What its task counts, and spills in time. */
export const heapShareOf = (threadBytes: number, tablesBytes: number): number =>
  Math.floor((threadBytes - tablesBytes) * HEAP_PART);

export class HeapShare {
  readonly #shareBytes: number;
  #limitBytes: number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** @param shareBytes What the heap may take with its garbage. */
  constructor(shareBytes: number) {
    this.#shareBytes = shareBytes;
    this.#limitBytes = shareBytes;
  }

  /** Whether to collect now. `heapBytes` is asked for only where it is time to look. */
  isExceeded(nowMs: number, heapBytes: () => number): boolean {
    if (nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return false;
    this.#lookedAtMs = nowMs;
    return heapBytes() > this.#limitBytes;
  }

  /** @param heapBytes What is left of the heap. */
  onCollected(heapBytes: number): void {
    this.#limitBytes = Math.max(this.#shareBytes, heapBytes * GROWTH_PART);
  }
}
