import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it, vi } from "vitest";
import { clockContract } from "../../ports/clock.contract.ts";
import { systemClock } from "./system-clock.ts";

clockContract("systemClock", () => ({
  clock: systemClock,
  async elapse(ms) {
    const endMs = performance.now() + ms;
    do await sleep(1);
    while (performance.now() < endMs);
  },
}));

afterEach(() => {
  vi.useRealTimers();
});

it("waits longer than Node's own timers can", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const daysMs = 60 * 24 * 3_600_000;
  let called = 0;
  systemClock.setTimer(daysMs, () => called++);
  const cancel = systemClock.setTimer(daysMs, () => called++);
  await vi.advanceTimersByTimeAsync(daysMs - 1);
  expect(called).toBe(0);
  // After its first piece it is still the same timer.
  cancel();
  await vi.advanceTimersByTimeAsync(2);
  expect(called).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});
