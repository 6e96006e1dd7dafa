import fc from "fast-check";
import { expect, test } from "vitest";
import { checkLinearizable, type LinearModel, type Operation } from "./linearizable.ts";

/** A counter, and leases with which it can be raised as long as they have not ended. */
interface Leased {
  readonly count: number;
  readonly ended: string;
}

type Call = { readonly kind: "end" | "ask" | "raise"; readonly lease: string } | { readonly kind: "read" };

/** Asked of a lease that has ended, or raised with it. */
const GONE = -1;

const LOUD: LinearModel<Leased, Call, number> = {
  init: { count: 0, ended: "" },
  isRead: ({ kind }, output) => kind === "read" || kind === "ask" || (kind === "raise" && output === GONE),
  keyOf: ({ count, ended }) => `${count} ${[...ended].sort().join("")}`,
  step: (state, call, output) => {
    if (call.kind === "read") return output === undefined || output === state.count ? state : undefined;
    const isGone = state.ended.includes(call.lease);
    if (call.kind === "end") return isGone ? state : { ...state, ended: state.ended + call.lease };
    if (output !== undefined && (output === GONE) !== isGone) return undefined;
    if (call.kind === "ask" || isGone) return state;
    const count = state.count + 1;
    return output === undefined || output === count ? { ...state, count } : undefined;
  },
};
const QUIET: typeof LOUD = { ...LOUD, isQuiet: (before, after) => before.count === after.count };

type LeasedOperation = Operation<Call, number>;

const lease = fc.constantFrom("a", "b");
const input: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const) }),
  fc.record({ kind: fc.constantFrom("end" as const, "ask" as const, "raise" as const), lease }),
);
const operation: fc.Arbitrary<LeasedOperation> = fc
  .record({
    input,
    output: fc.option(fc.integer({ min: GONE, max: 2 }), { nil: undefined, freq: 3 }),
    calledAt: fc.integer({ min: 0, max: 10 }),
    tookFor: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ tookFor, ...rest }) => ({ ...rest, returnedAt: rest.calledAt + tookFor }));

test("to put off what is quiet changes no verdict", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 7 }), (history) => {
      const { kind } = checkLinearizable(LOUD, history);
      const needsEnd = history.some(({ input, output }) => input.kind === "end" && output === undefined);
      if (needsEnd) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      expect(checkLinearizable(QUIET, history).kind).toBe(kind);
    }),
    { numRuns: 5_000 },
  );
  expect([...seen.keys()].sort()).toEqual(["linearizable", "violation"]);
});

test("of many that may have ended nobody tries which", () => {
  const names = "abcdefghijklmnopqrst";
  const ends = [...names].map((name): LeasedOperation => {
    return { input: { kind: "end", lease: name }, output: undefined, calledAt: 0, returnedAt: 1 };
  });
  const asked = { input: { kind: "ask", lease: "c" }, output: GONE, calledAt: 2, returnedAt: 3 } as const;
  const wrong = { input: { kind: "read" }, output: 7, calledAt: 4, returnedAt: 5 } as const;
  expect(checkLinearizable(QUIET, [...ends, asked], { stepsMax: 1_000 }).kind).toBe("linearizable");
  expect(checkLinearizable(LOUD, [...ends, asked, wrong], { stepsMax: 1_000 }).kind).toBe("gaveUp");
  expect(checkLinearizable(QUIET, [...ends, asked, wrong], { stepsMax: 1_000 }).kind).toBe("violation");
});
