import type { Clock } from "../ports/clock.ts";
import type { Scheduler } from "./scheduler.ts";

/** The wall clock of the simulation's first moment: 2026-01-01. */
const WALL_START_MS = 1_767_225_600_000;

/**
 * A simulated process. Once killed nothing of it runs any more, whatever was under way; while frozen, all that
 * would run waits until it is thawed.
 */
export class SimProcess {
  readonly name: string;
  readonly #scheduler: Scheduler;
  #alive = true;
  #frozen = false;
  #held: (() => void)[] = [];

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
  }

  get alive(): boolean {
    return this.#alive;
  }
  get frozen(): boolean {
    return this.#frozen;
  }

  kill(): void {
    this.#alive = false;
    this.#held = [];
  }
  freeze(): void {
    this.#frozen = true;
  }
  thaw(): void {
    this.#frozen = false;
    const held = this.#held;
    this.#held = [];
    // Later than now, in order: a thawed process finds all it missed in its queue.
    for (const run of held) this.#scheduler.after(0, () => this.enter(run));
  }

  /** Runs something in this process: now, when it is thawed, or never. */
  enter(run: () => void): void {
    if (!this.#alive) return;
    if (this.#frozen) this.#held.push(run);
    else run();
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#scheduler.after(delayMs, () => this.enter(run));
  }

  /** A promise that settles as the work does, if the process is still there to see it. */
  awaiting<T>(delayMs: number, work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.after(delayMs, () => {
        work().then(
          (value) => this.enter(() => resolve(value)),
          (error: unknown) => this.enter(() => reject(error as Error)),
        );
      });
    });
  }

  readonly clock: Clock = {
    monotonicMs: () => this.#scheduler.nowMs,
    wallMs: () => WALL_START_MS + this.#scheduler.nowMs,
    setTimer: (delayMs, callback) => this.after(Math.max(delayMs, 0), callback),
  };
}
