/** Jobs for the simulator: small data, every kind of shuffle, and a plain answer to compare with. */
import { contentHash, jobId } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import type {
  Aggregator,
  CollectEnd,
  Plan,
  PlanNode,
  SourceFormat,
  UserFunction,
  WriteEnd,
} from "../../plan/node.ts";
import type { SourceSplit } from "../../plan/task.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import { prepareJob } from "../../runtime/prepare-job.ts";

export interface SimJob {
  readonly name: string;
  readonly plan: Plan;
  /** What each end must give: rows or one value in canonical text, the lines of a `write` end in any order. */
  readonly expected: readonly (readonly string[])[];
}

type Pair = readonly [string, number];

/** A function that anybody may call with anything: plans do not know their users' types. */
const fn = (f: (...args: never[]) => unknown): UserFunction => f;

const pairOf = (value: number): Pair => [`k${value % 7}`, value];

const of = (values: readonly unknown[], partitions: number): PlanNode => ({
  kind: "source",
  source: { format: "of", values, partitions },
});
const collect = (input: PlanNode, single = false): CollectEnd => ({
  kind: "collect",
  input,
  rowsMax: 100_000,
  single,
});
const write = (input: PlanNode, directory: string): WriteEnd => ({
  kind: "write",
  input,
  format: "jsonl",
  directory,
  overwrite: false,
  columns: undefined,
  gzip: false,
});

const sum: Aggregator = {
  init: fn((value: number) => value),
  add: fn((total: number, value: number) => total + value),
  merge: fn((total: number, later: number) => total + later),
  finish: undefined,
};

/** Of one record: far more than all others together. */
const HUGE_CHARS = 50_000;

const lines = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row));

/** Sums by key, in key order. */
function sums(pairs: readonly Pair[]): readonly Pair[] {
  const totals = new Map<string, number>();
  for (const [key, value] of pairs) totals.set(key, (totals.get(key) ?? 0) + value);
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1));
}

const TEMPLATES: readonly ((values: readonly number[], tasks: number) => SimJob)[] = [
  function sumAndWrite(values, tasks) {
    const pairs = { kind: "map", input: of(values, tasks), fn: fn(pairOf) } as const;
    const totals = {
      kind: "aggregate",
      input: pairs,
      key: "pair",
      aggregator: sum,
      emit: "pair",
      empty: undefined,
      partitions: 3,
    } as const;
    const expected = sums(values.map(pairOf));
    const plan = plans(collect(totals), write(pairs, "/out/pairs"));
    return { name: "sum-and-write", plan, expected: [lines(expected), lines(values.map(pairOf))] };
  },
  function sortAll(values, tasks) {
    const by = fn((value: number) => value);
    const sorted = { kind: "sort", input: of(values, tasks), by, descending: false, partitions: 4 } as const;
    const expected = [...values].sort((a, b) => a - b);
    return { name: "sort", plan: plans(collect(sorted)), expected: [lines(expected)] };
  },
  function joinTwo(values, tasks) {
    const left = { kind: "map", input: of(values, tasks), fn: fn(pairOf) } as const;
    const labels = ["k0", "k1", "k2", "k9"].map((key): [string, string] => [key, `label of ${key}`]);
    const right = of(labels, 2);
    const joined = { kind: "join", how: "inner", strategy: "shuffle", left, right, partitions: 3 } as const;
    const byKey = new Map(labels);
    const matches = values.map(pairOf).filter(([key]) => byKey.has(key));
    const expected = matches.map(([key, value]) => [key, [value, byKey.get(key)]]);
    return { name: "join", plan: plans(collect(joined)), expected: [lines(expected)] };
  },
  function joinSmall(values, tasks) {
    const large = { kind: "map", input: of(values, tasks), fn: fn(pairOf) } as const;
    const labels = ["k0", "k1", "k1", "k9"].map((key, at): [string, string] => [
      key,
      `label ${at} of ${key}`,
    ]);
    const joined = {
      kind: "join",
      how: "left",
      strategy: "broadcast",
      left: large,
      right: of(labels, 3),
      partitions: undefined,
    } as const;
    const expected = values.map(pairOf).flatMap(([key, value]) => {
      const matches = labels.filter(([label]) => label === key).map(([, label]) => label);
      return (matches.length === 0 ? [undefined] : matches).map((label) => [key, [value, label]]);
    });
    return { name: "join-small", plan: plans(collect(joined)), expected: [lines(expected)] };
  },
  function groupThenCount(values, tasks) {
    const pairs = { kind: "map", input: of(values, tasks), fn: fn(pairOf) } as const;
    const groups = { kind: "group", input: pairs, key: "pair", combine: undefined, partitions: 3 } as const;
    const sizes = {
      kind: "map",
      input: groups,
      fn: fn(([, list]: readonly [string, Iterable<number>]) => [...list].length),
    } as const;
    const total = {
      kind: "aggregate",
      input: sizes,
      key: "all",
      aggregator: sum,
      emit: "result",
      empty: () => 0,
      partitions: undefined,
    } as const;
    return { name: "group-then-sum", plan: plans(collect(total, true)), expected: [lines([values.length])] };
  },
  function totalsInOrder(values, tasks) {
    const pairs = { kind: "map", input: of(values, tasks), fn: fn(pairOf) } as const;
    const totals = {
      kind: "aggregate",
      input: pairs,
      key: "pair",
      aggregator: sum,
      emit: "pair",
      empty: undefined,
      partitions: 3,
    } as const;
    const by = fn(([, total]: Pair) => total);
    const sorted = { kind: "sort", input: totals, by, descending: true, partitions: 2 } as const;
    const expected = sums(values.map(pairOf));
    const plan = plans(write(sorted, "/out/sorted"), collect(totals), write(totals, "/out/totals"));
    return { name: "totals-in-order", plan, expected: [lines(expected), lines(expected), lines(expected)] };
  },
  function oneHugeRecord(values, tasks) {
    const textOf = (value: number): readonly [string, string] => [
      `k${value % 3}`,
      "x".repeat(value === values[0] ? HUGE_CHARS : value),
    ];
    const texts = { kind: "map", input: of(values, tasks), fn: fn(textOf) } as const;
    const groups = { kind: "group", input: texts, key: "pair", combine: undefined, partitions: 2 } as const;
    const lengths = fn(([key, list]: readonly [string, Iterable<string>]) => [
      key,
      [...list].reduce((total, text) => total + text.length, 0),
    ]);
    const expected = sums(values.map((value): Pair => [textOf(value)[0], textOf(value)[1].length]));
    const plan = plans(collect({ kind: "map", input: groups, fn: lengths }));
    return { name: "one-huge-record", plan, expected: [lines(expected)] };
  },
];

function plans(...ends: readonly (CollectEnd | WriteEnd)[]): Plan {
  return { ends: ends.map((end, index) => ({ name: `end${index}`, end })), shape: "record" };
}

/** Draws a job and its data. */
export function drawJob(random: Prng): SimJob {
  // Of some jobs nearly all records have one key.
  const most = random.chance(0.8) ? 0 : 0.95;
  const values = Array.from({ length: random.below(60) }, () =>
    random.chance(most) ? 7 : random.below(100),
  );
  return random.pick(TEMPLATES)(values, 1 + random.below(8));
}

export async function submitSimJob(
  job: SimJob,
  planSplits: (source: SourceFormat) => Promise<readonly SourceSplit[]>,
  /** Undefined only where no attempt can hang. */
  taskTimeoutMs: number | undefined,
): Promise<JobSpec> {
  return prepareJob({
    id: jobId(`${job.name}-1`),
    name: job.name,
    params: {},
    plan: job.plan,
    constants: { seed: "simulated", submittedAtMs: 0, bundle: contentHash("0".repeat(64)) },
    // So few tries that jobs fail now and then, and are resumed.
    policy: { attemptsMax: 2, taskTimeoutMs, retryDelayMs: 100, retryDelayMsMax: 5_000 },
    planSplits,
    resolvePath: (path) => path,
  });
}
