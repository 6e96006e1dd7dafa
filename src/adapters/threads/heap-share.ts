/**
 * When a thread collects its garbage of its own accord, ahead of V8. While V8 marks, it lets a heap grow by 32 MB beyond
 * the limit it has set itself, however small that is, and from V8 13 on (Node 24) it puts the collection of young
 * objects off until then. Where a thread's share is smaller than that, its garbage alone exceeds it.
 *
 * Where shares are roomy, and before V8 13, it is left to V8: each collection asked for costs time. What all threads hold together is watched by `MemoryWatch`.
 *
 * Pure: it is told what the heap is, and says what to do. It decides when memory is given back, never what a task gives.
 */

/** As much again comes to lie between two looks, in pages that are free, and in what `malloc` keeps. */
const HELD_PART = 0.5;
/** A thread that may use more than this has room for what V8 takes too much. */
const ROOMY_BYTES = 192 * 2 ** 20;
/** A look costs microseconds, a thread fills some hundred kilobytes in a millisecond. */
const LOOK_INTERVAL_MS = 2;
/** What is held, and no garbage, must not be collected over and over: each time it costs what it is large. */
const GROWTH_PART = 1.25;

/** The first that collects no young objects while it marks. */
const V8_LATE = 13;

/**
 * What a thread may hold, its buffers too, before it collects; without bound where V8 may be left alone.
 * @param v8Major The first number of V8's version.
 */
export const heapShareOf = (threadBytes: number, v8Major: number): number =>
  threadBytes > ROOMY_BYTES || v8Major < V8_LATE
    ? Number.POSITIVE_INFINITY
    : Math.floor(threadBytes * HELD_PART);

export class HeapShare {
  readonly #shareBytes: number;
  #limitBytes: number;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  /** @param shareBytes What the thread may hold: its heap with the garbage in it, and buffers. */
  constructor(shareBytes: number) {
    this.#shareBytes = shareBytes;
    this.#limitBytes = shareBytes;
  }

  /** Whether to collect now. `heldBytes` is asked only where it is time to look. */
  isExceeded(nowMs: number, heldBytes: () => number): boolean {
    if (this.#shareBytes === Number.POSITIVE_INFINITY) return false;
    if (nowMs - this.#lookedAtMs < LOOK_INTERVAL_MS) return false;
    this.#lookedAtMs = nowMs;
    return heldBytes() > this.#limitBytes;
  }

  /** @param heldBytes What is left. */
  onCollected(heldBytes: number): void {
    this.#limitBytes = Math.max(this.#shareBytes, heldBytes * GROWTH_PART);
  }
}
