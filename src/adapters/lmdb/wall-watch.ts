import type { Clock } from "../../ports/clock.ts";

/**
 * Below this a difference between the clocks is drift, which a clock daemon may well make up for in small steps; it
 * is less than the shortest lease.
 */
const JUMP_MS_MIN = 500;

export interface WallLook {
  readonly wallMs: number;
  /** How far the wall clock was set forward (or, below 0, back) since the last look that was acted on; else 0. */
  readonly jumpMs: number;
  /** How far the wall clock is ahead of the monotonic one. */
  readonly aheadMs: number;
}

/**
 * Tells time that passed from a wall clock that was set, or a machine that slept: then the wall clock moves without
 * the monotonic one.
 */
export class WallWatch {
  readonly #clock: Clock;
  #aheadMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#aheadMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Says the same jump again until `accept`. */
  look(): WallLook {
    const wallMs = this.#clock.wallMs();
    const aheadMs = wallMs - this.#clock.monotonicMs();
    const movedMs = aheadMs - this.#aheadMs;
    if (Math.abs(movedMs) >= JUMP_MS_MIN) return { wallMs, jumpMs: movedMs, aheadMs };
    this.#aheadMs = aheadMs;
    return { wallMs, jumpMs: 0, aheadMs };
  }

  /** The jump has been dealt with. Several writes at a time may have seen the same one. */
  accept({ jumpMs, aheadMs }: WallLook): void {
    if (jumpMs !== 0) this.#aheadMs = aheadMs;
  }
}
