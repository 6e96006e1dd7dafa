/**
 * Virtual time. It moves only when nothing is left to do at the present moment: between two events every promise
 * that can settle does, so a run depends on its seed alone.
 */
import { assert } from "../base/assert.ts";

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

export class Scheduler {
  #nowMs = 0;
  #order = 0;
  #steps = 0;
  /** A binary heap by time, then by order of asking. */
  readonly #heap: Event[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }
  get steps(): number {
    return this.#steps;
  }

  /** Calls back after so many virtual milliseconds. Returns a function that calls it off. */
  after(delayMs: number, run: () => void): () => void {
    assert(delayMs >= 0, "virtual time does not go back");
    const event: Event = { atMs: this.#nowMs + delayMs, order: this.#order++, run, cancelled: false };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Resolves after so many virtual milliseconds. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Plays events until `done`, or until the limit; returns whether it was done. */
  async play(done: () => boolean, untilMs: number): Promise<boolean> {
    await settle();
    while (!done()) {
      const event = this.#next();
      if (event === undefined || event.atMs > untilMs) return false;
      this.#removeFirst();
      this.#nowMs = event.atMs;
      this.#steps++;
      event.run();
      await settle();
    }
    return true;
  }

  /** Like `play`, for what leaves no promise behind: without a turn of the event loop between two events. */
  playThrough(done: () => boolean, untilMs: number): boolean {
    while (!done()) {
      const event = this.#next();
      if (event === undefined || event.atMs > untilMs) return false;
      this.#removeFirst();
      this.#nowMs = event.atMs;
      this.#steps++;
      event.run();
    }
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  /** The event to come; what was called off is dropped. */
  #next(): Event | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || !first.cancelled) return first;
      this.#removeFirst();
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const isBefore = (a: Event, b: Event): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Comes back when no microtask is left. Nothing in the simulator waits for real time or real input. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
