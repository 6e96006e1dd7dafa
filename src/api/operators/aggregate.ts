/**
 * Everything that makes one value of many: counting, reducing, aggregating, and keeping the first of equal
 * ones.
 */
import type { AggregateNode, Aggregator, PlanNode, UserFunction } from "../../plan/node.ts";
import { own } from "../../plan/own-function.ts";
import { checkFunction, checkOptions, checkPartitions } from "../check-arguments.ts";
import type { Synchronous } from "../refuse-async.ts";
import { fieldOrFunction } from "./field.ts";

/** For operators that shuffle. */
export interface WideOptions {
  /** How many partitions the result has. From 1 to 100,000; default: chosen from the size of the input. */
  readonly partitions?: number;
}

/**
 * How many values become one result, by way of an accumulator. Values are added in a fixed order, so results
 * repeat to the last bit of a floating-point sum; they do not depend on where the data was cut only if
 * `merge` is associative.
 *
 * @typeParam T The values. @typeParam A The accumulator. @typeParam R The result.
 */
export interface AggregateFunctions<T, A, R = A> {
  /** Makes an empty accumulator. Called often: give a new one each time. */
  readonly zero: () => A;
  /** Adds one value. May change the accumulator and return it. */
  readonly add: (accumulator: A, value: T) => A;
  /** Adds the accumulator of later values to that of earlier ones. May change the first and return it. */
  readonly merge: (accumulator: A, later: A) => A;
  /** Makes the result. Default: the accumulator itself. */
  readonly finish?: (accumulator: A) => Synchronous<R>;
}

export interface AggregateOptions<T, A, R = A> extends AggregateFunctions<T, A, R>, WideOptions {}

type Shape = Pick<AggregateNode, "key" | "keyField" | "emit" | "empty">;

const BY_KEY: Shape = { key: "pair", emit: "pair", empty: undefined };

/** Of values with one key, the first in input order. */
const FIRST: Aggregator = Object.freeze({
  init: own("first.init", (value: unknown) => value),
  add: own("first.add", (first: unknown) => first),
  merge: own("first.merge", (first: unknown) => first),
  finish: undefined,
});

function aggregate(
  input: PlanNode,
  shape: Shape,
  aggregator: Aggregator | "count",
  partitions?: number,
): AggregateNode {
  return {
    kind: "aggregate",
    input,
    ...shape,
    aggregator: aggregator === "count" ? aggregator : Object.freeze(aggregator),
    partitions,
  };
}

const folding = (fn: UserFunction): Aggregator => ({
  init: own("fold.init", (value: unknown) => value),
  add: fn,
  merge: fn,
  finish: undefined,
});

/** Without a key, equal records are counted together. */
export function countByNode(input: PlanNode, key: unknown, options: WideOptions | undefined): AggregateNode {
  const by = key === undefined ? undefined : fieldOrFunction("countBy", "key", key, input);
  const shape: Shape = { key: by?.fn ?? "record", keyField: by?.field, emit: "pair", empty: undefined };
  return aggregate(input, shape, "count", onlyPartitions("countBy", options));
}

/** Without a key, equal records are one; with it, the first record of each key stays. */
export function distinctNode(input: PlanNode, key: unknown, options: WideOptions | undefined): AggregateNode {
  const partitions = onlyPartitions("distinct", options);
  if (key === undefined) {
    // Counts that nobody asks for: to combine and merge them takes no function, and keys may stay bytes.
    return aggregate(input, { key: "record", emit: "key", empty: undefined }, "count", partitions);
  }
  const { fn } = fieldOrFunction("distinct", "key", key, input);
  return aggregate(input, { key: fn, emit: "result", empty: undefined }, FIRST, partitions);
}

export function reduceByKeyNode(
  input: PlanNode,
  fn: unknown,
  options: WideOptions | undefined,
): AggregateNode {
  const partitions = onlyPartitions("reduceByKey", options);
  return aggregate(input, BY_KEY, folding(checkFunction("reduceByKey", "fn", fn)), partitions);
}

export function aggregateByKeyNode(input: PlanNode, options: unknown): AggregateNode {
  const { aggregator, partitions } = readAggregator("aggregateByKey", options, true);
  return aggregate(input, BY_KEY, aggregator, partitions);
}

export const countNode = (input: PlanNode): AggregateNode =>
  aggregate(input, { key: "all", emit: "result", empty: own("count.empty", () => 0) }, "count");

export function reduceNode(input: PlanNode, fn: unknown): AggregateNode {
  const empty = own("reduce.empty", () => undefined);
  const shape: Shape = { key: "all", emit: "result", empty };
  return aggregate(input, shape, folding(checkFunction("reduce", "fn", fn)));
}

export function aggregateNode(input: PlanNode, functions: unknown): AggregateNode {
  const { aggregator, empty } = readAggregator("aggregate", functions, false);
  return aggregate(input, { key: "all", emit: "result", empty }, aggregator);
}

/** The engine begins with a first value, users with an empty accumulator. */
function readAggregator(
  operator: string,
  options: unknown,
  wide: boolean,
): { aggregator: Aggregator; empty: () => unknown; partitions: number | undefined } {
  const names = ["zero", "add", "merge", "finish", ...(wide ? ["partitions"] : [])];
  const given = checkOptions(operator, options ?? null, names);
  const zero = checkFunction(operator, "zero", given.zero) as () => unknown;
  const add = checkFunction(operator, "add", given.add) as (accumulator: unknown, value: unknown) => unknown;
  const merge = checkFunction(operator, "merge", given.merge);
  const finish = given.finish === undefined ? undefined : checkFunction(operator, "finish", given.finish);
  const finishEmpty = finish as ((accumulator: unknown) => unknown) | undefined;
  return {
    aggregator: {
      init: own("aggregate.init", (value: unknown) => add(zero(), value), zero, add),
      add: add as UserFunction,
      merge,
      finish,
    },
    empty: own(
      "aggregate.empty",
      () => (finishEmpty === undefined ? zero() : finishEmpty(zero())),
      zero,
      finish,
    ),
    partitions: checkPartitions(operator, given.partitions),
  };
}

/** The options of an operator that has none but the partitions. */
export const onlyPartitions = (operator: string, options: unknown): number | undefined =>
  checkPartitions(operator, checkOptions(operator, options, ["partitions"]).partitions);

/** Of an operator whose key may be left out: the options can be the only argument. */
export function keyAndOptions(
  key: unknown,
  options: WideOptions | undefined,
): [key: unknown, options: WideOptions | undefined] {
  const onlyOptions = typeof key === "object" && key !== null && options === undefined;
  return onlyOptions ? [undefined, key] : [key, options];
}
