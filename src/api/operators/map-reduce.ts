/** MapReduce in its classic form, written with the plan's other nodes. */
import type { TaskContext } from "../../plan/context.ts";
import type { FlatMapNode, PlanNode } from "../../plan/node.ts";
import { own } from "../../plan/own-function.ts";
import { checkFunction, checkOptions, checkPartitions } from "../check-arguments.ts";
import type { WideOptions } from "./aggregate.ts";

/**
 * The functions of `mapReduce`. TypeScript cannot see types through `emit`: state them, as in
 * `mapReduce<string, number, [string, number]>({ … })`, or annotate the `emit` parameters.
 *
 * @typeParam T Input records. @typeParam K Keys. @typeParam V Values. @typeParam R Output records.
 */
export interface MapReduceFunctions<T, K, V, R> extends WideOptions {
  /** Emits any number of keys with values for one record. */
  readonly map: (record: T, emit: (key: K, value: V) => void, ctx: TaskContext) => void;
  /**
   * Makes one value of several of a key, before the shuffle, to send less. May be called any number of times
   * or not at all, so `reduce` must not mind.
   */
  readonly combine?: (key: K, values: Iterable<V>) => V;
  /**
   * Emits any number of records for one key. `values` come in input order and stream from disk where there are
   * many: read them once, before the call ends. What one call emits is held in memory until it ends.
   */
  readonly reduce: (key: K, values: Iterable<V>, emit: (record: R) => void, ctx: TaskContext) => void;
}

type MapFunction = (record: unknown, emit: (key: unknown, value: unknown) => void, ctx: unknown) => void;
type ReduceFunction = (key: unknown, values: unknown, emit: (record: unknown) => void, ctx: unknown) => void;

export function mapReduceNode(input: PlanNode, options: unknown): FlatMapNode {
  const given = checkOptions("mapReduce", options ?? null, ["map", "combine", "reduce", "partitions"]);
  const map = checkFunction("mapReduce", "map", given.map) as MapFunction;
  const reduce = checkFunction("mapReduce", "reduce", given.reduce) as ReduceFunction;
  const combine =
    given.combine === undefined ? undefined : checkFunction("mapReduce", "combine", given.combine);
  const mapped = Object.freeze({
    kind: "flatMap",
    input,
    fn: own("mapReduce.map", emitPairs(map), map),
  } as const);
  const grouped = Object.freeze({
    kind: "group",
    input: mapped,
    key: "pair",
    combine,
    partitions: checkPartitions("mapReduce", given.partitions),
  } as const);
  return { kind: "flatMap", input: grouped, fn: own("mapReduce.reduce", emitRecords(reduce), reduce) };
}

const emitPairs =
  (map: MapFunction) =>
  (record: unknown, ctx: unknown): unknown[] => {
    const pairs: unknown[] = [];
    map(record, (key, value) => pairs.push([key, value]), ctx);
    return pairs;
  };

const emitRecords =
  (reduce: ReduceFunction) =>
  ([key, values]: readonly [unknown, unknown], ctx: unknown): unknown[] => {
    const records: unknown[] = [];
    reduce(key, values, (record) => records.push(record), ctx);
    return records;
  };
