import type { Clock } from "../../ports/clock.ts";

/** Node's timers hold 31 bits of milliseconds; a longer wait is cut into pieces. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's own time. Its timers keep the process alive. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  setTimer(delayMs, callback) {
    const endMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      // Node cuts fractions off, and counts from when its loop last looked at the time: it may call a little early.
      timer = setTimeout(onTimeout, Math.min(Math.max(Math.ceil(leftMs), 0), TIMER_MS_MAX));
    };
    const onTimeout = (): void => {
      const leftMs = endMs - performance.now();
      if (leftMs > 0) wait(leftMs);
      else callback();
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
