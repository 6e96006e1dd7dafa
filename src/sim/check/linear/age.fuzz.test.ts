import fc from "fast-check";
import { expect, test } from "vitest";
import { checkLinearizable, type LinearModel, type Operation } from "./linearizable.ts";

/** A value, and how often it was written. */
interface Written {
  readonly count: number;
  readonly value: number;
}

type Call =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: number }
  /** Tells nothing of the count. */
  | { readonly kind: "ask"; readonly value: number };

/** What a write made, or a read found; an answer to what was asked has no count. */
interface Answer {
  readonly count: number | undefined;
  readonly value: number;
}

const PLAIN: LinearModel<Written, Call, Answer> = {
  init: { count: 0, value: 0 },
  isRead: ({ kind }) => kind !== "write",
  keyOf: ({ count, value }) => `${count} ${value}`,
  step: (state, call, answer) => {
    const next = call.kind === "write" ? { count: state.count + 1, value: call.value } : state;
    if (answer === undefined) return next;
    const isRight =
      answer.value === next.value && (answer.count === undefined || answer.count === next.count);
    return isRight ? next : undefined;
  },
};
const AGED: typeof PLAIN = {
  ...PLAIN,
  age: { of: ({ count }) => count, atMost: ({ count }) => count ?? Number.POSITIVE_INFINITY },
};

type WrittenOperation = Operation<Call, Answer>;

const value = fc.integer({ min: 0, max: 2 });
const input: fc.Arbitrary<Call> = fc.oneof(
  fc.record({ kind: fc.constant("read" as const) }),
  fc.record({ kind: fc.constantFrom("write" as const, "ask" as const), value }),
);
const operation: fc.Arbitrary<WrittenOperation> = fc
  .record({
    input,
    count: fc.integer({ min: 0, max: 3 }),
    found: value,
    isLost: fc.constantFrom(false, false, true),
    calledAt: fc.integer({ min: 0, max: 10 }),
    tookFor: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ input, count, found, isLost, calledAt, tookFor }) => {
    const answer: Answer =
      input.kind === "write"
        ? { count, value: input.value }
        : { count: input.kind === "read" ? count : undefined, value: found };
    return { input, output: isLost ? undefined : answer, calledAt, returnedAt: calledAt + tookFor };
  });

test("what outputs say of the age changes no verdict", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (history) => {
      const { kind } = checkLinearizable(PLAIN, history);
      const needsLost = history.some(({ input, output }) => input.kind === "write" && output === undefined);
      if (needsLost) seen.set(kind, (seen.get(kind) ?? 0) + 1);
      expect(checkLinearizable(AGED, history).kind).toBe(kind);
    }),
    { numRuns: 5_000 },
  );
  expect([...seen.keys()].sort()).toEqual(["linearizable", "violation"]);
});

test("nobody tries what a later answer says has not happened", () => {
  const lost = Array.from({ length: 20 }, (_, value): WrittenOperation => {
    return { input: { kind: "write", value }, output: undefined, calledAt: 0, returnedAt: 1 };
  });
  const wrong: WrittenOperation = {
    input: { kind: "ask", value: 30 },
    output: { count: undefined, value: 30 },
    calledAt: 2,
    returnedAt: 3,
  };
  const readOf = (count: number, value: number, calledAt: number): WrittenOperation => {
    return { input: { kind: "read" }, output: { count, value }, calledAt, returnedAt: calledAt + 1 };
  };
  // In the end all of them had happened.
  const reads = [readOf(0, 0, 4), readOf(20, 19, 6)];
  expect(checkLinearizable(PLAIN, [...lost, wrong, ...reads], { stepsMax: 1_000 }).kind).toBe("gaveUp");
  expect(checkLinearizable(AGED, [...lost, wrong, ...reads], { stepsMax: 1_000 }).kind).toBe("violation");
  expect(checkLinearizable(AGED, [...lost, ...reads], { stepsMax: 1_000 }).kind).toBe("linearizable");
});

test("an answer that was placed, and is still to come again, bounds what is tried as before", () => {
  const during = { calledAt: 0, returnedAt: 1 };
  const lost = Array.from({ length: 20 }, (_, value): WrittenOperation => {
    return { input: { kind: "write", value }, output: undefined, ...during };
  });
  const history: readonly WrittenOperation[] = [
    { input: { kind: "write", value: 40 }, output: { count: undefined, value: 40 }, ...during },
    { input: { kind: "read" }, output: { count: 1, value: 40 }, ...during },
    { input: { kind: "ask", value: 30 }, output: { count: undefined, value: 30 }, ...during },
    ...lost,
  ];
  // Where the read is right, the search turns back.
  const turning: typeof PLAIN = { ...AGED, isHopeless: ({ value }) => value === 40 };
  expect(checkLinearizable(turning, history, { stepsMax: 5_000 }).kind).toBe("violation");
});
