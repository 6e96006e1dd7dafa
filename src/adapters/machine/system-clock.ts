import { performance } from "node:perf_hooks";
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
      const pieceMs = Math.min(Math.max(leftMs, 0), TIMER_MS_MAX);
      timer = setTimeout(() => {
        const stillMs = endMs - performance.now();
        if (stillMs > 0 && pieceMs === TIMER_MS_MAX) wait(stillMs);
        else callback();
      }, pieceMs);
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
