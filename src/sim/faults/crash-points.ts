import type { Clock } from "../../ports/clock.ts";
import type { SimProcess } from "../process.ts";

/**
 * Every place at which a process hands something to the outside or gets something back, by name and number: what a crash can
 * come between. A run without faults lists them; another one then crashes at any of them, exactly.
 */
export class CrashPoints {
  readonly #crashAt: ReadonlySet<string>;
  readonly #counts = new Map<string, number>();
  readonly #onCrash: (process: SimProcess, point: string) => void;
  /** In the order in which they were passed; empty unless asked to list them. */
  readonly passed: string[] = [];
  readonly #listing: boolean;

  constructor(
    crashAt: readonly string[],
    listing: boolean,
    onCrash: (process: SimProcess, point: string) => void,
  ) {
    this.#crashAt = new Set(crashAt);
    this.#listing = listing;
    this.#onCrash = onCrash;
  }

  /** The process's own clock, of which each timer that goes off is a point: named after how long it was set for, by its digits. */
  timersOf(process: SimProcess): Clock {
    const { clock } = process;
    return {
      monotonicMs: () => clock.monotonicMs(),
      wallMs: () => clock.wallMs(),
      setTimer: (delayMs, callback) => {
        const place = `a timer of ${10 ** String(Math.floor(delayMs)).length} ms at the most`;
        return clock.setTimer(delayMs, () => {
          this.pass(process, place);
          if (process.alive) callback();
        });
      },
    };
  }

  /** The process is at this place. It may not be there any more when this returns. */
  pass(process: SimProcess, place: string): void {
    if ((this.#crashAt.size === 0 && !this.#listing) || !process.alive) return;
    const count = this.#counts.get(place) ?? 0;
    this.#counts.set(place, count + 1);
    const point = `${place}#${count}`;
    if (this.#listing) this.passed.push(point);
    if (!this.#crashAt.has(point)) return;
    this.#onCrash(process, point);
    process.kill();
  }
}
