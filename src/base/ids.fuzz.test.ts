import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type AttemptId,
  attemptHandle,
  attemptKey,
  compareAttempts,
  epoch,
  sameAttempt,
  stageId,
} from "./ids.ts";

/** Small numbers, and those at which a handle is no number any more. */
const part = (edge: number) =>
  fc.oneof(fc.nat(3), fc.constantFrom(edge - 1, edge, edge + 1), fc.nat(2 ** 40));

const attempts: fc.Arbitrary<AttemptId> = fc
  .tuple(part(2 ** 5), part(2 ** 19), part(2 ** 4), part(2 ** 3))
  .map(([stage, partition, of, attempt]) => ({
    stage: stageId(stage),
    partition,
    epoch: epoch(of),
    attempt,
  }));

test("handles, equality and order tell attempts apart as their keys do", () => {
  fc.assert(
    fc.property(attempts, attempts, (a, b) => {
      const same = attemptKey(a) === attemptKey(b);
      expect(attemptHandle(a) === attemptHandle(b)).toBe(same);
      expect(attemptHandle({ ...a })).toBe(attemptHandle(a));
      expect(sameAttempt(a, b)).toBe(same);
      expect(compareAttempts(a, b) === 0).toBe(same);
      expect(Math.sign(compareAttempts(a, b)) + Math.sign(compareAttempts(b, a))).toBe(0);
    }),
    { numRuns: 1000 },
  );
});

test("handles of one job's attempts are numbers that are kept without a place in memory of their own", () => {
  const last = { stage: stageId(31), partition: 2 ** 19 - 1, epoch: epoch(15), attempt: 7 };
  expect(attemptHandle(last)).toBe(2 ** 31 - 1);
  expect(attemptHandle({ ...last, stage: stageId(32) })).toBe("s32.p524287.e15.a7");
});
