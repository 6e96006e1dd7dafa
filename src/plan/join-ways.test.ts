import { describe, expect, test } from "vitest";
import { cutStages } from "./cut-stages.ts";
import {
  BROADCAST_BYTES_MAX,
  chooseJoinWays,
  joinsOf,
  type ReadBytes,
  SPARED_BYTES_MIN,
  SPARED_RATIO_MIN,
  sourcesOf,
} from "./join-ways.ts";
import { labelStage } from "./label.ts";
import type { JoinNode, JoinStrategy, JoinType, Plan, PlanNode, SourceNode } from "./node.ts";
import { sizeStages } from "./shape.ts";

/** Sources that read so many bytes. */
const source = (bytes: number): SourceNode => ({
  kind: "source",
  source: { format: "range", start: 0, end: bytes, step: 1, partitions: undefined },
});
const bytesOf = ({ source: of }: SourceNode): ReadBytes => {
  const bytes = of.format === "range" ? of.end : 0;
  return Number.isNaN(bytes)
    ? { bytesMin: 0, bytesMax: Number.POSITIVE_INFINITY }
    : { bytesMin: bytes, bytesMax: bytes };
};
const fn = (x: never): unknown => x;
const narrow = (
  kind: "map" | "filter" | "keyBy" | "flatMap" | "mapPartitions",
  input: PlanNode,
): PlanNode => {
  return { kind, input, fn };
};
const join = (
  left: PlanNode,
  right: PlanNode,
  how: JoinType = "inner",
  strategy: JoinStrategy = "auto",
  partitions?: number,
): JoinNode => ({ kind: "join", how, strategy, left, right, partitions });
const plan = (...inputs: readonly PlanNode[]): Plan => ({
  ends: inputs.map((input, index) => ({
    name: `end${index}`,
    end: { kind: "collect", input, rowsMax: 1, single: false },
  })),
  shape: "record",
});
const waysOf = (...inputs: readonly PlanNode[]) => chooseJoinWays(plan(...inputs), bytesOf);

const SMALL = BROADCAST_BYTES_MAX;
const LARGE = BROADCAST_BYTES_MAX * SPARED_RATIO_MIN;

describe("a join that is left to choose", () => {
  test("broadcasts a side that is sure to be small, where the other is sure to be large", () => {
    expect(waysOf(join(source(LARGE), source(SMALL)))).toEqual(["right"]);
    expect(waysOf(join(source(SMALL), source(LARGE)))).toEqual(["left"]);
    expect(waysOf(join(source(LARGE), source(SMALL + 1)))).toEqual(["shuffle"]);
    expect(waysOf(join(source(LARGE - 1), source(SMALL)))).toEqual(["shuffle"]);
    expect(waysOf(join(source(LARGE), source(Number.NaN)))).toEqual(["shuffle"]);
    expect(waysOf(join(source(Number.NaN), source(SMALL)))).toEqual(["shuffle"]);
  });

  test("broadcasts a very small side beside one that is only worth sparing", () => {
    const least = SPARED_BYTES_MIN / SPARED_RATIO_MIN;
    expect(waysOf(join(source(SPARED_BYTES_MIN), source(least)))).toEqual(["right"]);
    expect(waysOf(join(source(SPARED_BYTES_MIN), source(least + 1)))).toEqual(["shuffle"]);
    expect(waysOf(join(source(SPARED_BYTES_MIN - 1), source(1)))).toEqual(["shuffle"]);
  });

  test.each<[JoinType, left: string, right: string]>([
    ["inner", "left", "right"],
    ["left", "shuffle", "right"],
    ["semi", "shuffle", "right"],
    ["anti", "shuffle", "right"],
    ["right", "left", "shuffle"],
    ["full", "shuffle", "shuffle"],
  ])("%s: only the side whose own records need not be told apart", (how, left, right) => {
    expect(waysOf(join(source(SMALL), source(LARGE), how))).toEqual([left]);
    expect(waysOf(join(source(LARGE), source(SMALL), how))).toEqual([right]);
  });

  test("takes a side for small through operators that give one record for one, and through unions", () => {
    const halves = {
      kind: "union",
      inputs: [source(SMALL / 2), narrow("filter", source(SMALL / 2))],
    } as const;
    expect(waysOf(join(source(LARGE), narrow("keyBy", narrow("map", halves))))).toEqual(["right"]);
    expect(waysOf(join({ kind: "union", inputs: [source(LARGE / 2), source(LARGE / 2)] }, halves))).toEqual([
      "right",
    ]);
    const more = { kind: "union", inputs: [halves, source(1)] } as const;
    expect(waysOf(join(source(LARGE), more))).toEqual(["shuffle"]);
    expect(waysOf(join(source(LARGE), narrow("flatMap", source(1))))).toEqual(["shuffle"]);
    expect(waysOf(join(source(LARGE), narrow("mapPartitions", source(1))))).toEqual(["shuffle"]);
    const sorted = {
      kind: "sort",
      input: source(1),
      by: fn,
      descending: false,
      partitions: undefined,
    } as const;
    expect(waysOf(join(source(LARGE), sorted))).toEqual(["shuffle"]);
  });

  test("shuffles where it was told to, and where it was told how many partitions", () => {
    expect(waysOf(join(source(LARGE), source(SMALL), "inner", "shuffle"))).toEqual(["shuffle"]);
    expect(waysOf(join(source(LARGE), source(SMALL), "inner", "auto", 4))).toEqual(["shuffle"]);
  });

  test("shuffles rather than let a stage wait for itself", () => {
    const large = source(LARGE);
    const small = source(SMALL);
    const first = join(large, small);
    // The small side's stage would wait for the large one's, which waits for it.
    const second = join(narrow("map", small), narrow("map", large), "inner", "auto");
    expect(waysOf(first, second)).toEqual(["right", "left"]);
    const chained = join(source(LARGE), join(small, source(1), "inner", "broadcast"), "inner", "broadcast");
    expect(waysOf(chained)).toEqual(["right", "right"]);
    const both = { kind: "union", inputs: [large, small] } as const;
    expect(waysOf(join(both, small))).toEqual(["shuffle"]);
    expect(waysOf(join(both, source(SMALL)))).toEqual(["right"]);
  });
});

describe("a join that is told to broadcast", () => {
  test("takes the data set that was named second, but for an inner join whose first is sure to read less", () => {
    const unknown = source(Number.NaN);
    expect(waysOf(join(source(2), source(1), "inner", "broadcast"))).toEqual(["right"]);
    expect(waysOf(join(source(1), source(2), "inner", "broadcast"))).toEqual(["left"]);
    expect(waysOf(join(unknown, source(2), "inner", "broadcast"))).toEqual(["right"]);
    expect(waysOf(join(source(2), unknown, "inner", "broadcast"))).toEqual(["right"]);
    expect(waysOf(join(unknown, source(Number.NaN), "inner", "broadcast"))).toEqual(["right"]);
    expect(waysOf(join(source(1), source(2), "left", "broadcast"))).toEqual(["right"]);
    expect(waysOf(join(source(2), source(1), "right", "broadcast"))).toEqual(["left"]);
  });

  test("is refused where both sides come from one reading", () => {
    const self = source(1);
    const ways = () => waysOf(join(narrow("map", self), narrow("filter", self), "inner", "broadcast"));
    expect(ways).toThrow(/JOB_INVALID|one reading of the same data.*second time/);
    expect(ways).toThrow(expect.objectContaining({ code: "JOB_INVALID" }));
  });
});

test("a broadcast join is a step of the large side's stage, which waits for the small side's", () => {
  const large = narrow("map", source(LARGE));
  const small = narrow("filter", source(SMALL));
  const of = plan(narrow("map", join(large, small)));
  const cut = cutStages(of, chooseJoinWays(of, bytesOf));
  expect(cut.stages.map(labelStage)).toEqual([
    "read.range → filter → broadcast (inner join)",
    "read.range → map → inner join → map → collect",
  ]);
  expect(cut.stages[1]).toMatchObject({
    dependsOn: [0],
    broadcasts: [{ side: 1, producers: [{ stage: 0, sink: 0 }] }],
  });
  const known = (splits: number) => ({ splits, bytesMax: 1 });
  expect(sizeStages(cut, [known(3), known(40)])).toEqual([
    { tasks: 3, sinkPartitions: [1] },
    { tasks: 40, sinkPartitions: [1] },
  ]);
  expect(sourcesOf(of)).toEqual([...cut.sources].reverse());
  expect(joinsOf(of)).toHaveLength(1);
});
