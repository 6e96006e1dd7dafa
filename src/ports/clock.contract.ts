import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "./clock.ts";

/** A clock under test, and a way to let its time pass. */
export interface ClockBench {
  readonly clock: Clock;
  /** Resolves when at least so much of the clock's time has passed and what fell due has been called. */
  elapse(ms: number): Promise<void>;
}

/** What every clock keeps to. */
export function clockContract(name: string, create: () => ClockBench): void {
  describe(`clock contract: ${name}`, () => {
    let bench: ClockBench;
    let called: string[];
    beforeEach(() => {
      bench = create();
      called = [];
    });
    afterEach(() => bench.elapse(0));

    it("goes on, and never back", async () => {
      const { clock, elapse } = bench;
      let before = clock.monotonicMs();
      const startMs = before;
      for (let i = 0; i < 5; i++) {
        await elapse(2);
        const now = clock.monotonicMs();
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
      expect(before - startMs).toBeGreaterThanOrEqual(10);
    });

    it("knows the date, to the millisecond", () => {
      const wallMs = bench.clock.wallMs();
      expect(Number.isSafeInteger(wallMs)).toBe(true);
      expect(new Date(wallMs).getUTCFullYear()).toBeGreaterThanOrEqual(2025);
    });

    // Fractions are where a timer of whole milliseconds comes too early.
    it.each([0, 0.4, 1, 1.9, 2.5, 7.99, 15])("calls back once, not before %d ms", async (delayMs) => {
      const { clock, elapse } = bench;
      for (let round = 0; round < 5; round++) {
        const dueMs = clock.monotonicMs() + delayMs;
        let calledMs: number | undefined;
        let calls = 0;
        clock.setTimer(delayMs, () => {
          calls++;
          calledMs = clock.monotonicMs();
        });
        while (calledMs === undefined) await elapse(1);
        expect(calledMs).toBeGreaterThanOrEqual(dueMs);
        await elapse(2);
        expect(calls).toBe(1);
      }
    });

    it("never calls back from inside setTimer, not even when the time has come", async () => {
      const { clock, elapse } = bench;
      clock.setTimer(0, () => called.push("zero"));
      clock.setTimer(-5, () => called.push("past"));
      expect(called).toEqual([]);
      while (called.length < 2) await elapse(1);
      expect([...called].sort()).toEqual(["past", "zero"]);
    });

    it("calls back in the order of the times", async () => {
      const { clock, elapse } = bench;
      clock.setTimer(40, () => called.push("c"));
      clock.setTimer(1, () => called.push("a"));
      clock.setTimer(20, () => called.push("b"));
      while (called.length < 3) await elapse(1);
      expect(called).toEqual(["a", "b", "c"]);
    });

    it("does not call back what was called off, whenever that was", async () => {
      const { clock, elapse } = bench;
      const cancel = clock.setTimer(3, () => called.push("called off"));
      clock.setTimer(1, () => cancel());
      const cancelLater = clock.setTimer(2, () => called.push("kept"));
      cancel();
      cancel();
      while (called.length === 0) await elapse(1);
      await elapse(5);
      expect(called).toEqual(["kept"]);
      // Too late, and harmless.
      cancelLater();
      clock.setTimer(1, () => called.push("next"));
      while (called.length === 1) await elapse(1);
      expect(called).toEqual(["kept", "next"]);
    });

    it("lets a callback set the next timer", async () => {
      const { clock, elapse } = bench;
      const again = (): void => {
        called.push("again");
        if (called.length < 3) clock.setTimer(1, again);
      };
      clock.setTimer(1, again);
      while (called.length < 3) await elapse(1);
      await elapse(5);
      expect(called).toHaveLength(3);
    });

    it("waits for days without coming at once", async () => {
      const { clock, elapse } = bench;
      const cancels = [2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY].map((delayMs) =>
        clock.setTimer(delayMs, () => called.push("too early")),
      );
      await elapse(10);
      for (const cancel of cancels) cancel();
      expect(called).toEqual([]);
    });
  });
}
