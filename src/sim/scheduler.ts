/**
 * Virtual time. It moves only when nothing is left to do at the present moment: between two events every promise
 * that can settle does, so a run depends on its seed alone.
 */
import { assert } from "../base/assert.ts";
import { drainMicrotasks } from "./microtasks.ts";

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
    if (drainMicrotasks === undefined) return this.#playByTurns(done, untilMs);
    const drain = drainMicrotasks;
    // What goes on after an `await` is a microtask itself, and could run no other.
    return inTurnOfItsOwn(() => this.playThrough(done, untilMs, drain));
  }

  /** Like `play`, in one turn of the event loop. @param settle Lets promises settle between two events, where there are any. */
  playThrough(done: () => boolean, untilMs: number, settle = (): void => {}): boolean {
    settle();
    while (!done()) {
      if (!this.#playNext(untilMs)) return false;
      settle();
    }
    return true;
  }

  async #playByTurns(done: () => boolean, untilMs: number): Promise<boolean> {
    for (;;) {
      await inTurnOfItsOwn(() => {});
      if (done()) return true;
      if (!this.#playNext(untilMs)) return false;
    }
  }

  /** False where nothing is left to happen by then. */
  #playNext(untilMs: number): boolean {
    const event = this.#next();
    if (event === undefined || event.atMs > untilMs) return false;
    this.#removeFirst();
    this.#nowMs = event.atMs;
    this.#steps++;
    event.run();
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

/** Gives what this gives in the event loop's next turn, when all microtasks of this one were run. */
function inTurnOfItsOwn<T>(run: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run());
      } catch (error) {
        reject(error as Error);
      }
    });
  });
}
