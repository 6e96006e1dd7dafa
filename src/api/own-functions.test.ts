/** Main thread and worker threads run differently built copies of our functions, and must see the same plan. */
import { expect, test } from "vitest";
import { describePlan, fingerprint } from "../plan/fingerprint.ts";
import type { Plan } from "../plan/node.ts";
import { Dataset } from "./dataset.ts";
import type { End } from "./end.ts";
import { job } from "./job.ts";
import { read } from "./read.ts";

const fn = () => undefined as never;
const functions = { zero: fn, add: fn, merge: fn, finish: fn };
const start = () => read.range(9).map(fn) as Dataset<[number, number]>;

/** Each operator with all it takes, and where that makes another node, also without. */
const uses: Record<
  Exclude<keyof Dataset<unknown>, symbol>,
  (set: Dataset<[number, number]>) => readonly (Dataset<unknown> | End<unknown>)[]
> = {
  map: (set) => [set.map(fn)],
  flatMap: (set) => [set.flatMap(fn)],
  filter: (set) => [set.filter(fn)],
  mapPartitions: (set) => [set.mapPartitions(fn)],
  words: () => [read.lines("a").filter(fn).words()],
  tokens: () => [read.lines("a").filter(fn).tokens(/a/)],
  keyBy: (set) => [set.keyBy(fn)],
  sample: (set) => [set.sample(0.5)],
  union: (set) => [set.union(set)],
  groupBy: (set) => [set.groupBy(fn)],
  groupByKey: (set) => [set.groupByKey()],
  reduceByKey: (set) => [set.reduceByKey(fn)],
  aggregateByKey: (set) => [set.aggregateByKey(functions)],
  countBy: (set) => [set.countBy(fn), set.countBy()],
  sumBy: (set) => [set.sumBy(fn)],
  minBy: (set) => [set.minBy(fn)],
  maxBy: (set) => [set.maxBy(fn)],
  avgBy: (set) => [set.avgBy(fn)],
  distinct: (set) => [set.distinct(fn), set.distinct()],
  join: (set) => [set.join(set), set.join(set, { left: fn, right: fn, how: "full" } as never)],
  cogroup: (set) => [set.cogroup(set)],
  sortBy: (set) => [set.sortBy(fn)],
  sort: (set) => [set.map(fn as () => number).sort()],
  top: (set) => [set.top(2, fn), set.map(fn as () => number).top(2)],
  repartition: (set) => [set.repartition(3)],
  mapReduce: (set) => [set.mapReduce({ map: fn, combine: fn, reduce: fn })],
  collect: (set) => [set.collect()],
  count: (set) => [set.count()],
  reduce: (set) => [set.reduce(fn)],
  aggregate: (set) => [set.aggregate(functions)],
  write: (set) => [set.write("jsonl", "out")],
};

const planOf = (use: (set: Dataset<[number, number]>) => readonly unknown[]): Plan =>
  job({
    name: "uses",
    run: () => Object.fromEntries(use(start()).map((end, index) => [`end${index}`, end])) as never,
  }).build({});

test("every operator is looked at", () => {
  const operators = Object.getOwnPropertyNames(Dataset.prototype).filter((name) => name !== "constructor");
  expect(Object.keys(uses).sort()).toEqual(operators.sort());
});

test.each(Object.entries(uses))("%s puts no function of ours into a plan without a name", (_, use) => {
  const texts = new Set<string>();
  JSON.stringify(describePlan(planOf(use)), (_key, value: unknown) => {
    if (value !== null && typeof value === "object" && "function" in value) texts.add(String(value.function));
    return value;
  });
  expect([...texts]).toEqual([String(fn)]);
});

test("what one of ours calls of the job's is told apart", () => {
  const of = (add: () => never): string =>
    fingerprint(planOf((set) => [set.mapReduce({ map: add, reduce: fn }), set.aggregate(functions)]));
  expect(of(() => undefined as never)).toBe(of(() => undefined as never));
  expect(of(() => undefined as never)).not.toBe(of(() => (1 + 1) as never));
});
