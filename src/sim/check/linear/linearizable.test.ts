import { describe, expect, test } from "vitest";
import { checkLinearizable, type LinearModel, type Operation } from "./linearizable.ts";
import { REGISTER, type RegisterCall, type RegisterOperation } from "./register-model.ts";

const call = (
  calledAt: number,
  returnedAt: number,
  input: RegisterCall,
  output: number | undefined,
): RegisterOperation => ({ calledAt, returnedAt, input, output });
const read = (from: number, to: number, value: number): RegisterOperation =>
  call(from, to, { kind: "read" }, value);
const write = (from: number, to: number, value: number): RegisterOperation =>
  call(from, to, { kind: "write", value }, 0);
const unknownWrite = (from: number, value: number): RegisterOperation =>
  call(from, Number.POSITIVE_INFINITY, { kind: "write", value }, undefined);
const swap = (from: number, to: number, expected: number, value: number, did: 0 | 1): RegisterOperation =>
  call(from, to, { kind: "swap", expected, value }, did);

const verdict = (...history: readonly RegisterOperation[]): string =>
  checkLinearizable(REGISTER, history).kind;

describe("a history is linearizable", () => {
  test("when nothing happened", () => {
    expect(verdict()).toBe("linearizable");
  });

  test("when a read during a write gives either value", () => {
    expect(verdict(write(0, 10, 7), read(2, 3, 0), read(4, 5, 7))).toBe("linearizable");
  });

  test("when an unknown write is never seen", () => {
    expect(verdict(unknownWrite(0, 7), read(5, 6, 0), read(7, 8, 0))).toBe("linearizable");
  });

  test("when an unknown write is applied late", () => {
    expect(verdict(unknownWrite(0, 7), read(5, 6, 0), write(7, 8, 1), read(9, 10, 7))).toBe("linearizable");
  });

  test("when of two unknown writes the later is applied first", () => {
    const history = [unknownWrite(0, 7), unknownWrite(1, 8), read(2, 3, 8), read(4, 5, 7)];
    expect(verdict(...history)).toBe("linearizable");
  });

  test("when a write that changed nothing is needed after another", () => {
    expect(verdict(write(0, 1, 1), write(0, 1, 0), read(1, 2, 0))).toBe("linearizable");
  });

  test("when one of two concurrent swaps wins", () => {
    expect(verdict(swap(0, 9, 0, 1, 1), swap(0, 9, 0, 2, 0), read(10, 11, 1))).toBe("linearizable");
  });
});

describe("a history is not linearizable", () => {
  test("with a stale read", () => {
    expect(verdict(write(0, 1, 7), read(2, 3, 0))).toBe("violation");
  });

  test("with a lost update: two swaps from one value both succeed", () => {
    expect(verdict(swap(0, 9, 0, 1, 1), swap(0, 9, 0, 2, 1))).toBe("violation");
  });

  test("with a write that was seen, then unseen", () => {
    expect(verdict(write(0, 10, 7), read(2, 3, 7), read(4, 5, 0))).toBe("violation");
  });

  test("with an unknown write that is seen, and unseen", () => {
    expect(verdict(unknownWrite(0, 7), read(2, 3, 7), read(4, 5, 0))).toBe("violation");
  });

  test("with a write that is applied twice", () => {
    const history = [write(0, 1, 7), write(2, 3, 8), read(4, 5, 7)];
    expect(verdict(...history)).toBe("violation");
  });

  test("with a value that nobody wrote", () => {
    expect(verdict(read(0, 1, 3))).toBe("violation");
  });

  test("with a write that was refused, and so is not in it, and is seen", () => {
    expect(verdict(write(0, 1, 1), read(2, 3, 9), read(4, 5, 1))).toBe("violation");
  });

  test("and says how far it went, and what could not come next", () => {
    const history = [write(0, 1, 7), read(2, 3, 7), read(4, 5, 0)];
    const result = checkLinearizable(REGISTER, history);
    expect(result).toEqual({ kind: "violation", done: history.slice(0, 2), stuck: [history[2]], state: 7 });
  });
});

test("where both ends of two operations meet, the one that returned came first", () => {
  expect(verdict(write(0, 5, 7), read(5, 6, 0))).toBe("violation");
});

test("giving up is an answer of its own", () => {
  const writes = Array.from({ length: 12 }, (_, index) => write(0, 100, index + 1));
  const history = [...writes, read(101, 102, 99)];
  expect(checkLinearizable(REGISTER, history, { stepsMax: 1_000 }).kind).toBe("gaveUp");
});

test("what was tried once is not tried again: ten concurrent writes are 10 x 2^10 places, not 10!", () => {
  const writes = Array.from({ length: 10 }, (_, index) => write(0, 100, index + 1));
  expect(checkLinearizable(REGISTER, [...writes, read(101, 102, 99)], { stepsMax: 200_000 }).kind).toBe(
    "violation",
  );
});

test("parts that do not touch each other are looked at one by one", () => {
  interface Keyed {
    readonly key: string;
    readonly call: RegisterCall;
  }
  const keyed: LinearModel<number, Keyed, number> = {
    init: REGISTER.init,
    keyOf: REGISTER.keyOf,
    step: (state, { call: inner }, output) => REGISTER.step(state, inner, output),
    isRead: ({ call: inner }, output) => REGISTER.isRead(inner, output),
    partition: (history) => {
      const parts = new Map<string, Operation<Keyed, number>[]>();
      for (const operation of history) {
        const { key } = operation.input;
        parts.set(key, [...(parts.get(key) ?? []), operation]);
      }
      return [...parts.values()];
    },
  };
  const of = (key: string, { input, ...rest }: RegisterOperation): Operation<Keyed, number> => ({
    ...rest,
    input: { key, call: input },
  });
  const good = [of("a", write(0, 1, 7)), of("b", write(0, 1, 8)), of("a", read(2, 3, 7))];
  expect(checkLinearizable(keyed, good).kind).toBe("linearizable");
  expect(checkLinearizable(keyed, [...good, of("b", read(2, 3, 7))]).kind).toBe("violation");
});
