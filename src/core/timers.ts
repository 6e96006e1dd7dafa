import type { Step } from "./step.ts";
import { type Timer, timerName } from "./timer.ts";

/** The waits of a driver: set and called off by effects, remembered here so that a stale one means nothing. */
export class Timers {
  readonly #step: Step;
  readonly #byName = new Map<string, Timer>();

  constructor(step: Step) {
    this.#step = step;
  }

  get size(): number {
    return this.#byName.size;
  }
  set(timer: Timer, delayMs: number): void {
    const name = timerName(timer);
    this.#byName.set(name, timer);
    this.#step.want({ kind: "setTimer", timer: name, delayMs });
  }
  clear(timer: Timer): void {
    const name = timerName(timer);
    if (this.#byName.delete(name)) this.#step.want({ kind: "clearTimer", timer: name });
  }
  /** The timer that fired; undefined for one that is no longer wanted. */
  take(name: string): Timer | undefined {
    const timer = this.#byName.get(name);
    this.#byName.delete(name);
    return timer;
  }
  forgetAll(): void {
    this.#byName.clear();
  }
}
