import fc from "fast-check";
import { expect, test } from "vitest";
import { checkLinearizable } from "./linearizable.ts";
import { REGISTER, type RegisterCall, type RegisterOperation } from "./register-model.ts";

/** Every order, with every choice of the unknown operations that happened: only for the smallest histories. */
function bruteForce(history: readonly RegisterOperation[], state = REGISTER.init): boolean {
  if (history.every(({ output }) => output === undefined)) return true;
  return history.some((next) => {
    const rest = history.filter((other) => other !== next);
    if (rest.some(({ output, returnedAt }) => output !== undefined && returnedAt <= next.calledAt))
      return false;
    const after = REGISTER.step(state, next.input, next.output);
    return after !== undefined && bruteForce(rest, after);
  });
}

const value = fc.integer({ min: 0, max: 2 });
const input: fc.Arbitrary<RegisterCall> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const) }),
  fc.record({ kind: fc.constant("write" as const), value }),
  fc.record({ kind: fc.constant("swap" as const), expected: value, value }),
);
const operation: fc.Arbitrary<RegisterOperation> = fc
  .record({
    input,
    output: fc.option(value, { nil: undefined, freq: 4 }),
    calledAt: fc.integer({ min: 0, max: 10 }),
    tookFor: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ tookFor, ...rest }) => ({ ...rest, returnedAt: rest.calledAt + tookFor }));

test("the search and every order tried by force agree", () => {
  const seen = new Set<boolean>();
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (history) => {
      const expected = bruteForce(history);
      seen.add(expected);
      expect(checkLinearizable(REGISTER, history).kind === "linearizable").toBe(expected);
    }),
    { numRuns: 2_000 },
  );
  expect(seen.size).toBe(2);
});
