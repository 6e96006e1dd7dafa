import { BicoastalError } from "../base/errors.ts";
import type { Prng } from "../base/prng.ts";
import type { Clock } from "../ports/clock.ts";

const DELAY_MS_FIRST = 20;
const DELAY_MS_MAX = 2_000;

/** How to wait between tries of something that fails for a while. */
export interface RetryClock {
  readonly clock: Clock;
  /** Draws the jitter. */
  readonly random: Prng;
}

/**
 * Calls until it succeeds or throws what is not STORE_UNAVAILABLE, pausing with full jitter in between. For calls
 * that are safe to repeat. Ends early, with the last error, once `given up` says so.
 */
export async function untilAvailable<T>(
  timing: RetryClock,
  call: () => Promise<T>,
  givenUp: () => boolean,
): Promise<T> {
  for (let ceilingMs = DELAY_MS_FIRST; ; ceilingMs = Math.min(ceilingMs * 2, DELAY_MS_MAX)) {
    try {
      return await call();
    } catch (error) {
      const unavailable = error instanceof BicoastalError && error.code === "STORE_UNAVAILABLE";
      if (!unavailable || givenUp()) throw error;
      await pause(timing.clock, timing.random.next() * ceilingMs);
    }
  }
}

export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(delayMs, resolve);
  });
}
