/**
 * A job with one record that its function can do nothing with, whoever calls it, wherever and how often: no try brings it to a
 * result. It must end with what the function threw, and with the place of the record (L19), however many attempts were
 * lost to other things on the way.
 */
import type { ErrorInfo } from "../../base/errors.ts";
import type { Aggregator, Plan, PlanNode, UserFunction } from "../../plan/node.ts";

export interface PoisonJob {
  readonly name: string;
  readonly plan: Plan;
  /** There is nothing to expect. */
  readonly expected: readonly [];
  readonly judge: () => string;
  readonly isFinal: (error: ErrorInfo) => boolean;
}

const fn = (f: (...args: never[]) => unknown): UserFunction => f;
/** The first record: none is like its place. */
const FIRST = 1_000;

const sum = (a: number, b: number): number => a + b;
const SUM: Aggregator = {
  init: fn((value: number) => value),
  add: fn(sum),
  merge: fn(sum),
  finish: undefined,
};

/** @param poison The record that nobody can do anything with, from 0 and below `count`. */
export function poisonJob(count: number, tasks: number, poison: number): PoisonJob {
  const source = {
    format: "of",
    values: Array.from({ length: count }, (_, at) => FIRST + at),
    partitions: tasks,
  } as const;
  const refuse = (value: number): readonly [string, number] => {
    if (value === FIRST + poison) throw new RangeError(`nothing can be done with ${value}`);
    return [`k${value % 5}`, value];
  };
  const pairs: PlanNode = { kind: "map", input: { kind: "source", source }, fn: fn(refuse) };
  const totals = {
    kind: "aggregate",
    input: pairs,
    key: "pair",
    aggregator: SUM,
    emit: "pair",
    empty: undefined,
    partitions: 2,
  } as const;
  const plan: Plan = {
    ends: [{ name: "end0", end: { kind: "collect", input: totals, rowsMax: 100_000, single: false } }],
    shape: "record",
  };
  return {
    name: "poison",
    plan,
    expected: [],
    judge: () => "L19: it gave a result, and one of its records allows none",
    isFinal: ({ code, message, retryable }) =>
      code === "USER_FUNCTION" &&
      retryable &&
      message.includes(`RangeError: nothing can be done with ${FIRST + poison}\n`) &&
      message.includes(`The record: item ${poison} of `),
  };
}
