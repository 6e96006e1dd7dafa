/** Jobs for the simulator: small data, every kind of shuffle, and a plain answer to compare with. */
import type { ErrorInfo } from "../../base/errors.ts";
import { contentHash, jobId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
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
import { poisonJob } from "./poison-job.ts";
import { Seals, sealNumber, sealText } from "./seals.ts";
import { unstableJob } from "./unstable-job.ts";

export interface SimJob {
  readonly name: string;
  readonly plan: Plan;
  /** What each end must give: rows or one value in canonical text, the lines of a `write` end in any order. */
  readonly expected: readonly (readonly string[])[];
  /** What its functions were given and should not have been (S13): grows as the job runs. */
  readonly corruptions: readonly string[];
  /** Of a job of which nobody can tell beforehand what it gives: what is wrong with what its ends gave. */
  readonly judge?: (found: readonly (readonly string[] | undefined)[]) => string | undefined;
  /** Of a job that cannot but fail, or may have to: whether this is how. It is not resumed then. Default: never. */
  readonly isFinal?: (error: ErrorInfo) => boolean;
}

/** A job, before anybody watches what its functions are given. */
type Template = (
  values: readonly number[],
  tasks: number,
  seals: Seals,
  random: Prng,
) => Omit<SimJob, "corruptions">;

type Pair = readonly [string, number];

/** A function that anybody may call with anything: plans do not know their users' types. */
const fn = (f: (...args: never[]) => unknown): UserFunction => f;

const keyOf = (value: number): string => sealText(`k${value % 7}`);
const pairOf = (value: number): Pair => [keyOf(value), value];

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

const sumOf = (seals: Seals): Aggregator => ({
  init: fn((value: number) => seals.number(value)),
  add: fn((total: number, value: number) => seals.number(total) + seals.number(value)),
  merge: fn((total: number, later: number) => seals.number(total) + seals.number(later)),
  finish: undefined,
});

/** Maps each value to a pair. */
const pairsOf = (input: PlanNode, seals: Seals) =>
  ({ kind: "map", input, fn: fn((value: number) => pairOf(seals.number(value))) }) as const;

/** Hands on what it is given, after a look at it. */
const looked = (input: PlanNode, look: (row: never) => void): PlanNode => ({
  kind: "map",
  input,
  fn: fn((row: never) => {
    look(row);
    return row;
  }),
});

/** Of one record: far more than all others together. */
const HUGE_CHARS = 50_000;

const lines = (rows: readonly unknown[]): readonly string[] => rows.map((row) => JSON.stringify(row));

/** Sums by key, in key order. */
function sums(pairs: readonly Pair[]): readonly Pair[] {
  const totals = new Map<string, number>();
  for (const [key, value] of pairs) totals.set(key, (totals.get(key) ?? 0) + value);
  return [...totals].sort(([a], [b]) => (a < b ? -1 : 1));
}

const unstable: Template = (values, tasks, _, random) =>
  unstableJob(values.length, tasks, new Prng(`calls ${random.nextUint32()}`));

const poison: Template = (values, tasks, _, random) => {
  const count = 1 + values.length;
  return poisonJob(count, tasks, random.below(count));
};

const SPECIAL: Readonly<Record<SpecialJob, Template>> = { unstable, poison };

const TEMPLATES: readonly Template[] = [
  unstable,
  function sumAndWrite(values, tasks, seals) {
    const pairs = pairsOf(of(values, tasks), seals);
    const totals = {
      kind: "aggregate",
      input: pairs,
      key: "pair",
      aggregator: sumOf(seals),
      emit: "pair",
      empty: undefined,
      partitions: 3,
    } as const;
    const expected = sums(values.map(pairOf));
    const plan = plans(collect(totals), write(pairs, "/out/pairs"));
    return { name: "sum-and-write", plan, expected: [lines(expected), lines(values.map(pairOf))] };
  },
  function sortAll(values, tasks, seals) {
    const by = fn((value: number) => seals.number(value));
    const sorted = { kind: "sort", input: of(values, tasks), by, descending: false, partitions: 4 } as const;
    const expected = [...values].sort((a, b) => a - b);
    const plan = plans(collect(looked(sorted, (value: number) => seals.number(value))));
    return { name: "sort", plan, expected: [lines(expected)] };
  },
  function joinTwo(values, tasks, seals) {
    const left = pairsOf(of(values, tasks), seals);
    const labels = ["k0", "k1", "k2", "k9"].map((key): [string, string] => [
      sealText(key),
      sealText(`label of ${key}`),
    ]);
    const right = of(labels, 2);
    const joined = { kind: "join", how: "inner", strategy: "shuffle", left, right, partitions: 3 } as const;
    const byKey = new Map(labels);
    const matches = values.map(pairOf).filter(([key]) => byKey.has(key));
    const expected = matches.map(([key, value]) => [key, [value, byKey.get(key)]]);
    const rows = looked(joined, ([key, [value, label]]: readonly [string, readonly [number, string]]) => {
      seals.text(key);
      seals.number(value);
      seals.text(label);
    });
    return { name: "join", plan: plans(collect(rows)), expected: [lines(expected)] };
  },
  function joinSmall(values, tasks, seals) {
    const large = pairsOf(of(values, tasks), seals);
    const labels = ["k0", "k1", "k1", "k9"].map((key, at): [string, string] => [
      sealText(key),
      sealText(`label ${at} of ${key}`),
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
    const rows = looked(joined, ([key, [value, label]]: readonly [string, readonly [number, string?]]) => {
      seals.text(key);
      seals.number(value);
      if (label !== undefined) seals.text(label);
    });
    return { name: "join-small", plan: plans(collect(rows)), expected: [lines(expected)] };
  },
  function groupThenCount(values, tasks, seals) {
    const pairs = pairsOf(of(values, tasks), seals);
    const groups = { kind: "group", input: pairs, key: "pair", combine: undefined, partitions: 3 } as const;
    const sizes = {
      kind: "map",
      input: groups,
      fn: fn(([key, list]: readonly [string, Iterable<number>]) => {
        seals.text(key);
        return sealNumber([...list].filter((value) => seals.number(value) === value).length);
      }),
    } as const;
    const total = {
      kind: "aggregate",
      input: sizes,
      key: "all",
      aggregator: sumOf(seals),
      emit: "result",
      empty: () => 0,
      partitions: undefined,
    } as const;
    return {
      name: "group-then-sum",
      plan: plans(collect(total, true)),
      expected: [lines([sealNumber(values.length)])],
    };
  },
  function totalsInOrder(values, tasks, seals) {
    const pairs = pairsOf(of(values, tasks), seals);
    const totals = {
      kind: "aggregate",
      input: pairs,
      key: "pair",
      aggregator: sumOf(seals),
      emit: "pair",
      empty: undefined,
      partitions: 3,
    } as const;
    const by = fn(([key, total]: Pair) => {
      seals.text(key);
      return seals.number(total);
    });
    const sorted = { kind: "sort", input: totals, by, descending: true, partitions: 2 } as const;
    const expected = sums(values.map(pairOf));
    const plan = plans(write(sorted, "/out/sorted"), collect(totals), write(totals, "/out/totals"));
    return { name: "totals-in-order", plan, expected: [lines(expected), lines(expected), lines(expected)] };
  },
  function oneHugeRecord(values, tasks, seals) {
    const textOf = (value: number): readonly [string, string] => [
      sealText(`k${value % 3}`),
      sealText("x".repeat(value === values[0] ? HUGE_CHARS : value % 101)),
    ];
    const texts = {
      kind: "map",
      input: of(values, tasks),
      fn: fn((value: number) => textOf(seals.number(value))),
    } as const;
    const groups = { kind: "group", input: texts, key: "pair", combine: undefined, partitions: 2 } as const;
    const lengths = fn(([key, list]: readonly [string, Iterable<string>]) => [
      seals.text(key),
      [...list].reduce((total, text) => total + seals.text(text).length, 0),
    ]);
    const expected = sums(values.map((value): Pair => [textOf(value)[0], textOf(value)[1].length]));
    const plan = plans(collect({ kind: "map", input: groups, fn: lengths }));
    return { name: "one-huge-record", plan, expected: [lines(expected)] };
  },
];

function plans(...ends: readonly (CollectEnd | WriteEnd)[]): Plan {
  return { ends: ends.map((end, index) => ({ name: `end${index}`, end })), shape: "record" };
}

/** Jobs of a kind that is not drawn beside the others. */
export type SpecialJob = "unstable" | "poison";

/**
 * Draws a job and its data.
 * @param special Only one whose function gives other rows each time, or which no try brings to a result. Default: any other than the
 *   latter.
 */
export function drawJob(random: Prng, special?: SpecialJob): SimJob {
  // Of some jobs nearly all records have one key.
  const most = random.chance(0.8) ? 0 : 0.95;
  const values = Array.from({ length: random.below(60) }, () =>
    sealNumber(random.chance(most) ? 7 : random.below(100)),
  );
  const seals = new Seals();
  const template = special === undefined ? random.pick(TEMPLATES) : SPECIAL[special];
  const job = template(values, 1 + random.below(8), seals, random);
  return { ...job, corruptions: seals.broken };
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
