import { describe, expect, test } from "vitest";
import { cutStages } from "./cut-stages.ts";
import { fingerprint } from "./fingerprint.ts";
import { labelStage } from "./label.ts";
import type {
  AggregateNode,
  CollectEnd,
  JoinNode,
  MapNode,
  Plan,
  PlanNode,
  SortNode,
  SourceNode,
  UnionNode,
} from "./node.ts";
import { sizeStages } from "./shape.ts";

const source = (): SourceNode => ({
  kind: "source",
  source: { format: "range", start: 0, end: 9, step: 1, partitions: undefined },
});
const map = (input: PlanNode, fn = (x: never): unknown => x): MapNode => ({ kind: "map", input, fn });
const union = (...inputs: readonly PlanNode[]): UnionNode => ({ kind: "union", inputs });
const count = (input: PlanNode, partitions?: number): AggregateNode => ({
  kind: "aggregate",
  input,
  key: "record",
  aggregator: "count",
  emit: "pair",
  empty: undefined,
  partitions,
});
const sort = (input: PlanNode, partitions?: number): SortNode => ({
  kind: "sort",
  input,
  by: "record",
  descending: false,
  partitions,
});
const join = (left: PlanNode, right: PlanNode): JoinNode => ({
  kind: "join",
  how: "inner",
  strategy: "shuffle",
  left,
  right,
  partitions: undefined,
});
const collect = (input: PlanNode): CollectEnd => ({ kind: "collect", input, rowsMax: 1, single: false });
const plan = (...inputs: readonly PlanNode[]): Plan => ({
  ends: inputs.map((input, index) => ({ name: `end${index}`, end: collect(input) })),
  shape: "record",
});

/** Each stage in a line: `0: read.range → map → collect`. */
const labels = (of: Plan): readonly string[] =>
  cutStages(of).stages.map((stage) => `${stage.id}: ${labelStage(stage)}`);

describe("cutStages", () => {
  test("fuses narrow operators and cuts at shuffles", () => {
    expect(labels(plan(map(count(map(map(source()))))))).toEqual([
      "0: read.range → map → map → shuffle (countBy)",
      "1: countBy → map → collect",
    ]);
  });

  test("does work above several ends once", () => {
    const shared = map(source());
    const cut = cutStages(plan(count(shared), map(shared), shared));
    expect(cut.stages.map(labelStage)).toEqual([
      "read.range → map { → shuffle (countBy); → map → collect; → collect }",
      "countBy → collect",
    ]);
    expect(cut.endProducers).toEqual([
      [{ stage: 1, sink: 0 }],
      [{ stage: 0, sink: 1 }],
      [{ stage: 0, sink: 2 }],
    ]);
  });

  test("passes unions through, in the order of their inputs and not of the stages", () => {
    const a = source();
    const b = source();
    // b's stage comes first, because the first end needs only b.
    const cut = cutStages(plan(b, map(union(a, union(b, a)))));
    expect(cut.stages.map(({ sinks }) => sinks.length)).toEqual([2, 2]);
    expect(cut.endProducers[1]).toEqual([
      { stage: 1, sink: 0 },
      { stage: 0, sink: 1 },
      { stage: 1, sink: 1 },
    ]);
  });

  test("a data set united with itself flows twice, each time whole", () => {
    const twice = source();
    const cut = cutStages(plan(count(union(twice, twice))));
    expect(cut.stages[1]?.input).toMatchObject({
      kind: "shuffle",
      sides: [
        [
          { stage: 0, sink: 0 },
          { stage: 0, sink: 1 },
        ],
      ],
    });
  });

  test("a join of a data set with itself has two sides of one stage", () => {
    const self = source();
    const cut = cutStages(plan(join(self, map(self))));
    expect(cut.stages).toHaveLength(2);
    expect(cut.stages[1]).toMatchObject({
      dependsOn: [0],
      input: { sides: [[{ stage: 0, sink: 0 }], [{ stage: 0, sink: 1 }]] },
    });
    expect(cut.stages[0]?.sinks.map((sink) => sink.kind === "shuffle" && sink.side)).toEqual([0, 1]);
  });

  test("one end named twice is two ends", () => {
    const end = collect(source());
    const cut = cutStages({
      ends: [
        { name: "a", end },
        { name: "b", end },
      ],
      shape: "record",
    });
    expect(cut.endProducers).toEqual([[{ stage: 0, sink: 0 }], [{ stage: 0, sink: 1 }]]);
  });

  test("every stage comes after those it depends on", () => {
    const a = count(source());
    const b = join(a, join(count(a), source()));
    for (const { id, dependsOn } of cutStages(plan(b, a)).stages) {
      expect(dependsOn.every((earlier) => earlier < id)).toBe(true);
    }
  });
});

describe("sizeStages", () => {
  const tasksOf = (of: Plan, ...splits: readonly number[]) =>
    sizeStages(
      cutStages(of),
      splits.map((count) => ({ splits: count, bytesMax: Number.POSITIVE_INFINITY })),
    ).map(({ tasks }) => tasks);

  test("counts partitions from the splits alone", () => {
    expect(tasksOf(plan(count(source())), 4)).toEqual([4, 4]);
    expect(tasksOf(plan(count(source())), 64)).toEqual([64, 32]);
    expect(tasksOf(plan(count(source())), 400)).toEqual([400, 100]);
    expect(tasksOf(plan(count(source())), 1_000_000)).toEqual([1_000_000, 1_024]);
    expect(tasksOf(plan(count(source(), 7)), 64)).toEqual([64, 7]);
  });

  test("a sort of little has fewer partitions, each of which reads from all producers", () => {
    const tasksOfSort = (of: PlanNode, splits: number, bytesMax: number) =>
      sizeStages(cutStages(plan(of)), [{ splits, bytesMax }]).map(({ tasks }) => tasks);
    const mebibyte = 1024 * 1024;
    expect(tasksOfSort(sort(map(source())), 3, 3 * mebibyte)).toEqual([3, 3]);
    expect(tasksOfSort(sort(map(source())), 20, 20 * mebibyte)).toEqual([20, 8]);
    expect(tasksOfSort(sort(map(source())), 64, 100 * mebibyte)).toEqual([64, 13]);
    expect(tasksOfSort(sort(map(source())), 64, 1024 * mebibyte)).toEqual([64, 32]);
    expect(tasksOfSort(sort(map(source())), 64, Number.POSITIVE_INFINITY)).toEqual([64, 32]);
    expect(tasksOfSort(sort(source(), 40), 64, mebibyte)).toEqual([64, 40]);
    const shared = source();
    expect(tasksOfSort(sort(union(shared, count(shared))), 64, mebibyte)).toEqual([64, 32, 32]);
    expect(tasksOfSort(count(source()), 64, mebibyte)).toEqual([64, 32]);
  });

  test("a join of much has more partitions, so that each of its tables is small", () => {
    const tasksOfJoin = (bytesOfLeft: number, bytesOfRight: number) =>
      sizeStages(cutStages(plan(join(source(), map(source())))), [
        { splits: 20, bytesMax: bytesOfLeft },
        { splits: 15, bytesMax: bytesOfRight },
      ]).map(({ tasks }) => tasks);
    const mebibyte = 1024 * 1024;
    expect(tasksOfJoin(20 * mebibyte, mebibyte)).toEqual([20, 15, 32]);
    expect(tasksOfJoin(200 * mebibyte, 120 * mebibyte)).toEqual([20, 15, 80]);
    expect(tasksOfJoin(2000 * mebibyte, mebibyte)).toEqual([20, 15, 128]);
    expect(tasksOfJoin(200 * mebibyte, Number.POSITIVE_INFINITY)).toEqual([20, 15, 32]);
  });

  test("no input still has one reducer, which says what nothing adds up to", () => {
    expect(tasksOf(plan(count(source())), 0)).toEqual([0, 1]);
  });
});

describe("fingerprint", () => {
  const of = (fn: (x: never) => unknown, top = 1): string => fingerprint(plan(map(count(source(), top), fn)));

  test("is the same for plans built alike, and another for another option or function text", () => {
    expect(of((x) => x)).toBe(of((x) => x));
    expect(of((x) => x)).not.toBe(of((x) => [x]));
    expect(of((x) => x)).not.toBe(of((x) => x, 2));
  });

  test("tells shared from repeated work", () => {
    const shared = source();
    expect(fingerprint(plan(shared, shared))).not.toBe(fingerprint(plan(source(), source())));
  });
});
