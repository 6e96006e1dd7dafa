import type { Clock } from "../ports/clock.ts";
import type { Scheduler } from "./scheduler.ts";

/** The wall clock of the simulation's first moment: 2026-01-01. */
const WALL_START_MS = 1_767_225_600_000;

/**
 * A simulated process. Once killed nothing of it runs any more, whatever was under way; while frozen, all that
 * would run waits until it is thawed. Its clock may be fast or slow, and its wall clock may jump.
 */
export class SimProcess {
  readonly name: string;
  /** Called once, when it is killed. */
  onKilled = (): void => {};
  readonly #scheduler: Scheduler;
  #alive = true;
  #frozen = false;
  #blocked = false;
  #held: (() => void)[] = [];
  #thawedAtMs = Number.NEGATIVE_INFINITY;
  #clockRate = 1;
  /** What its monotonic clock showed, and when, as its rate changed last. */
  #clockMs: number;
  #clockSinceMs: number;
  #wallOffsetMs = WALL_START_MS;

  constructor(name: string, scheduler: Scheduler) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#clockMs = scheduler.nowMs;
    this.#clockSinceMs = scheduler.nowMs;
  }

  get alive(): boolean {
    return this.#alive;
  }
  /** Nothing of it answers. */
  get frozen(): boolean {
    return this.#frozen || this.#blocked;
  }

  /** When it last went on, in the scheduler's time. */
  get thawedAtMs(): number {
    return this.#thawedAtMs;
  }

  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#held = [];
    this.onKilled();
  }
  freeze(): void {
    this.#frozen = true;
  }
  thaw(): void {
    this.#thawedAtMs = this.#scheduler.nowMs;
    this.#frozen = false;
    const held = this.#held;
    this.#held = [];
    // Later than now, in order: a thawed process finds all it missed in its queue.
    for (const run of held) this.#scheduler.after(0, () => this.enter(run));
  }

  /** Its main thread is busy: all that would run there waits. Its other threads go on. */
  block(): void {
    this.#blocked = true;
  }
  unblock(): void {
    this.#blocked = false;
    if (!this.#frozen) this.thaw();
  }

  /** From now on its clock shows so many milliseconds for each that passes. What it waits for already comes when it would. */
  drift(clockRate: number): void {
    this.#clockMs = this.clock.monotonicMs();
    this.#clockSinceMs = this.#scheduler.nowMs;
    this.#clockRate = clockRate;
  }
  /** Somebody sets its wall clock. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Runs something in this process: now, when it is thawed, or never. */
  enter(run: () => void): void {
    if (!this.#alive) return;
    if (this.#frozen || this.#blocked) this.#held.push(run);
    else run();
  }

  /** Runs something in another thread of this process, which nothing but a frozen process holds up. */
  afterInThread(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, () => {
      if (this.#blocked && !this.#frozen && this.#alive) run();
      else this.enter(run);
    });
  }

  after(delayMs: number, run: () => void): () => void {
    let calledOff = false;
    const cancel = this.#scheduler.after(delayMs, () =>
      this.enter(() => {
        // One that is due while the process stands still can be called off by what runs before it after the thaw.
        if (!calledOff) run();
      }),
    );
    return () => {
      calledOff = true;
      cancel();
    };
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
    monotonicMs: () => this.#clockMs + (this.#scheduler.nowMs - this.#clockSinceMs) * this.#clockRate,
    wallMs: () => Math.floor(this.#wallOffsetMs + this.clock.monotonicMs()),
    setTimer: (delayMs, callback) => this.after(Math.max(delayMs, 0) / this.#clockRate, callback),
  };
}
