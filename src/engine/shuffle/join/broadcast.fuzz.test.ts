/** Joins with one side broadcast, as whole plans, against a naive join: every type, memory and cut of the input. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { compareKeys } from "../../../base/compare.ts";
import type { JoinWay } from "../../../plan/join-ways.ts";
import type { JoinNode, JoinType, Plan, PlanNode } from "../../../plan/node.ts";
import type { SourceSplit } from "../../../plan/task.ts";
import { runPlan } from "../../../sim/jobs/plan-run.ts";

const ports = { codec: createMsgpackCodec(), crc32, gzip };

type Pair = readonly [key: unknown, value: unknown];

const key = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom<unknown>("a", "b", "", null, undefined, true, -0, Number.NaN, 3n, 0.5),
  fc.constantFrom<unknown>("a key longer than thirteen units", "ключ", "x".repeat(40), [1, "x"], { a: 1 }),
);
const value = fc.oneof(fc.nat(), fc.string(), fc.record({ id: fc.nat() }, { noNullPrototype: true }));
const tasksOf = fc.array(fc.array(fc.tuple(key, value), { maxLength: 30 }), { minLength: 1, maxLength: 4 });

const source = (values: readonly unknown[]): PlanNode => ({
  kind: "source",
  source: { format: "of", values, partitions: undefined },
});

/** One split for each task. */
function splitsOf(tasks: readonly (readonly unknown[])[]): SourceSplit[] {
  let start = 0;
  return tasks.map((rows) => {
    const split: SourceSplit = { kind: "items", start, end: start + rows.length };
    start += rows.length;
    return split;
  });
}

/** From all in memory to a frame for some rows, two of them in memory. */
const BUDGETS = [1 << 26, 20_000, 1];

async function joined(
  how: JoinType,
  way: JoinWay,
  [left, right]: readonly [readonly (readonly Pair[])[], readonly (readonly Pair[])[]],
  after?: (join: JoinNode) => PlanNode,
): Promise<readonly unknown[]> {
  const sides = { left: source(left.flat()), right: source(right.flat()) };
  const join: JoinNode = { kind: "join", how, strategy: "broadcast", ...sides, partitions: undefined };
  const input = after === undefined ? join : after(join);
  const end = { kind: "collect", input, rowsMax: 1e6, single: false } as const;
  const plan: Plan = { ends: [{ name: "result", end }], shape: "single" };
  const splits = way === "left" ? [splitsOf(left), splitsOf(right)] : [splitsOf(right), splitsOf(left)];
  let first: readonly unknown[] | undefined;
  for (const memoryBytes of BUDGETS) {
    const { collected, scratches } = await runPlan({ plan, joins: [way], splits, memoryBytes, ...ports });
    for (const scratch of scratches) expect(scratch.filesOpen).toBe(0);
    first ??= collected.result;
    expect(collected.result).toStrictEqual(first);
  }
  return first ?? [];
}

/** In the order of the side that is not broadcast. */
function naive(how: JoinType, way: JoinWay, left: readonly Pair[], right: readonly Pair[]): unknown[] {
  const large = way === "left" ? right : left;
  const small = way === "left" ? left : right;
  return large.flatMap(([k, v]): unknown[] => {
    const matches = small.filter(([other]) => compareKeys(other, k) === 0).map(([, match]) => match);
    if (how === "semi") return matches.length > 0 ? [[k, v]] : [];
    if (how === "anti") return matches.length === 0 ? [[k, v]] : [];
    const kept = matches.length === 0 && how !== "inner" ? [undefined] : matches;
    return kept.map((match) => [k, way === "left" ? [match, v] : [v, match]]);
  });
}

const CASES: readonly [JoinType, JoinWay][] = [
  ["inner", "right"],
  ["inner", "left"],
  ["left", "right"],
  ["right", "left"],
  ["semi", "right"],
  ["anti", "right"],
];

it.each(CASES)(
  "%s join with the %s side broadcast equals a naive one, whatever the memory",
  async (how, way) => {
    await fc.assert(
      fc.asyncProperty(tasksOf, tasksOf, async (left, right) => {
        expect(await joined(how, way, [left, right])).toStrictEqual(
          naive(how, way, left.flat(), right.flat()),
        );
      }),
      { numRuns: 60 },
    );
  },
);

it("one key with more rows than memory, next to others, is read through", async () => {
  const hot = Array.from({ length: 30_000 }, (_, i): Pair => [i % 1000 === 7 ? i : "hot", i]);
  const large: Pair[][] = [[["hot", "a"]], [[1007, "b"]], [["none", "c"]]];
  const rows = await joined("left", "right", [large, [hot.slice(0, 11_111), hot.slice(11_111)]]);
  expect(rows).toStrictEqual(naive("left", "right", large.flat(), hot));
});

it("filters and lists below a join leave its other matches alone", async () => {
  const left = [[1, 2, 3, 1].map((k, at): Pair => [k, at])];
  const right = [[1, 1, 2].map((k, at): Pair => [k, at])];
  const rows = await joined("inner", "right", [left, right], (join) => {
    const filter: PlanNode = { kind: "filter", input: join, fn: ([, [, r]]: [0, [0, number]]) => r !== 0 };
    return { kind: "flatMap", input: filter, fn: ([k, [l, r]]: [number, [number, number]]) => [[k, l], r] };
  });
  expect(rows).toStrictEqual([[1, 0], 1, [2, 1], 2, [1, 3], 1]);
});

it("what a group streams is read into an array before it meets its matches", async () => {
  const many = Array.from({ length: 500 }, (_, i): Pair => ["k", i]);
  const grouped: PlanNode = {
    kind: "group",
    input: source(many),
    key: "pair",
    combine: undefined,
    partitions: 1,
  };
  const right = source([
    ["k", 1],
    ["k", 2],
  ]);
  const join = {
    kind: "join",
    how: "inner",
    strategy: "broadcast",
    left: grouped,
    right,
    partitions: undefined,
  } as const;
  const size: PlanNode = {
    kind: "map",
    input: join,
    fn: ([, [all, r]]: [string, [Iterable<number>, number]]) => [[...all].length, r],
  };
  const plan: Plan = {
    ends: [{ name: "result", end: { kind: "collect", input: size, rowsMax: 9, single: false } }],
    shape: "single",
  };
  const splits = [splitsOf([many]), splitsOf([[1, 2]])];
  const { collected } = await runPlan({ plan, joins: ["right"], splits, memoryBytes: 1000, ...ports });
  expect(collected.result).toStrictEqual([
    [500, 1],
    [500, 2],
  ]);
});

it("a record that is no pair, and a key that cannot be one, say which", async () => {
  const pairs = [[[1, 1]]] as Pair[][];
  await expect(joined("left", "right", [[[7 as never]], pairs])).rejects.toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringContaining("left join needs [key, value] pairs, and was given 7"),
  });
  await expect(joined("left", "right", [[[[Symbol.iterator, 1]]], pairs])).rejects.toMatchObject({
    code: "KEY_INVALID",
    details: expect.objectContaining({ operator: "left join" }),
  });
});
