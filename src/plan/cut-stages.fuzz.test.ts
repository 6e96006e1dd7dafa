/**
 * Random plans against a naive reading of them: follow every path from an end or a shuffle upwards to the stages that
 * feed it, in the order in which unions name their inputs.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cutStages } from "./cut-stages.ts";
import { fingerprint } from "./fingerprint.ts";
import {
  type BroadcastSides,
  broadcastSides,
  chooseJoinWays,
  type JoinWay,
  type JoinWays,
  type ReadBytes,
} from "./join-ways.ts";
import { labelStage } from "./label.ts";
import {
  inputsOf,
  isNarrow,
  isWide,
  type Plan,
  type PlanNode,
  type SourceNode,
  type WideNode,
} from "./node.ts";
import { sizeStages } from "./shape.ts";
import type { Branch, Producer, Sink, Stage, StagePlan } from "./stage.ts";

/** One step of building a plan: an operator, and which of the nodes there are so far it reads. */
const step = fc.record({
  op: fc.constantFrom(
    "source",
    "source",
    "map",
    "filter",
    "union",
    "union",
    "aggregate",
    "join",
    "join",
    "join",
    "cogroup",
    "sort",
    "top",
  ),
  inputs: fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
  width: fc.integer({ min: 1, max: 3 }),
});
const drawnPlan = fc
  .record({
    steps: fc.array(step, { maxLength: 12 }),
    ends: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  })
  .map(({ steps, ends }) => {
    const nodes: PlanNode[] = [source(0)];
    for (const { op, inputs, width } of steps) {
      const [a, b, c] = inputs.map((at) => nodes[at % nodes.length]!) as [PlanNode, PlanNode, PlanNode];
      nodes.push(nodeOf(op, [a, b, c].slice(0, width), nodes.length));
    }
    return planOf(ends.map((at) => nodes[at % nodes.length]!));
  });

const source = (index: number): PlanNode => ({
  kind: "source",
  source: { format: "range", start: index, end: 9, step: 1, partitions: undefined },
});
const same = (x: never): unknown => x;

function nodeOf(op: string, inputs: readonly PlanNode[], index: number): PlanNode {
  const input = inputs[0]!;
  const sides = { left: input, right: inputs.at(-1)!, partitions: undefined };
  switch (op) {
    case "map":
    case "filter":
      return { kind: op, input, fn: same };
    case "union":
      return { kind: "union", inputs };
    case "aggregate":
      return {
        kind: op,
        input,
        key: "record",
        aggregator: "count",
        emit: "pair",
        empty: undefined,
        partitions: 2,
      };
    case "join":
      return {
        kind: op,
        how: index % 3 === 0 ? "right" : "inner",
        strategy: index % 2 === 1 ? "broadcast" : "auto",
        ...sides,
      };
    case "cogroup":
      return { kind: op, ...sides };
    case "sort":
      return { kind: op, input, by: same, descending: false, partitions: undefined };
    case "top":
      return { kind: op, input, count: 3, by: same };
    default:
      return source(index);
  }
}

const planOf = (inputs: readonly PlanNode[]): Plan => ({
  ends: inputs.map((input, index) => ({
    name: `end${index}`,
    end: { kind: "collect", input, rowsMax: 9, single: false },
  })),
  shape: "record",
});

/** Sources with odd numbers are small, the others large, so that joins of one with the other are broadcast. */
const bytesOf = ({ source: read }: SourceNode): ReadBytes => {
  const bytes = read.format === "range" && read.start % 2 === 1 ? 1 : 1e9;
  return { bytesMin: bytes, bytesMax: bytes };
};

/** All shuffle where one of them is told to broadcast and cannot. */
function waysOf(plan: Plan): JoinWays | undefined {
  try {
    return chooseJoinWays(plan, bytesOf);
  } catch (error) {
    expect(error).toMatchObject({ code: "JOB_INVALID" });
    return undefined;
  }
}

/** A plan with its stages, and which of its joins broadcast. */
function cutOf(plan: Plan): { cut: StagePlan; small: BroadcastSides } {
  const ways = waysOf(plan);
  return { cut: cutStages(plan, ways), small: broadcastSides(plan, ways) };
}

/** The one input that flows through this operator, where it is one of a stage's steps. */
function flowsFrom(node: PlanNode, small: BroadcastSides): PlanNode | undefined {
  if (isNarrow(node)) return node.input;
  const side = small.get(node);
  return side === undefined ? undefined : inputsOf(node)[1 - side];
}

/** A way of records: from the node that begins a stage, through narrow operators. */
interface Path {
  readonly root: PlanNode;
  readonly steps: readonly PlanNode[];
}

/** All ways into a node, a union's inputs one after the other. */
function pathsInto(node: PlanNode, small: BroadcastSides): readonly Path[] {
  if (node.kind === "union") return node.inputs.flatMap((input) => pathsInto(input, small));
  const from = flowsFrom(node, small);
  if (from === undefined) return [{ root: node, steps: [] }];
  return pathsInto(from, small).map(({ root, steps }) => ({ root, steps: [...steps, node] }));
}

const rootOf = ({ input }: Stage): PlanNode => (input.kind === "source" ? input.source : input.shuffle);

/** For each sink of the stage: the narrow operators on the way to it. */
function pathsOf(stage: Stage): readonly (readonly PlanNode[])[] {
  const ways: PlanNode[][] = [];
  const walk = (branches: readonly Branch[], steps: readonly PlanNode[]): void => {
    for (const branch of branches) {
      if (branch.kind === "step") walk(branch.next, [...steps, branch.op]);
      else {
        expect(ways[branch.sink]).toBeUndefined();
        ways[branch.sink] = [...steps];
      }
    }
  };
  walk(stage.branches, []);
  return ways;
}

const isSamePath = (a: Path, b: Path): boolean =>
  a.root === b.root &&
  a.steps.length === b.steps.length &&
  a.steps.every((op, index) => op === b.steps[index]);

/** The producers are these paths, in this order. */
function expectPaths(cut: StagePlan, producers: readonly Producer[], paths: readonly Path[]): void {
  const found = producers.map(({ stage, sink }): Path => {
    const from = cut.stages[stage]!;
    return { root: rootOf(from), steps: pathsOf(from)[sink]! };
  });
  expect(found).toHaveLength(paths.length);
  found.forEach((path, index) => {
    expect(isSamePath(path, paths[index]!)).toBe(true);
  });
}

function reachable(plan: Plan): ReadonlySet<PlanNode> {
  const seen = new Set<PlanNode>();
  const visit = (node: PlanNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    inputsOf(node).forEach(visit);
  };
  for (const { end } of plan.ends) visit(end.input);
  return seen;
}

const sidesOf = (shuffle: WideNode): readonly PlanNode[] => inputsOf(shuffle);
/** Unions that read each other multiply ways; such plans are as right, and only slow to check. */
const isSmall = (plan: Plan): boolean => plan.ends.every(({ end }) => countPaths(end.input, new Map()) < 300);
function countPaths(node: PlanNode, known: Map<PlanNode, number>): number {
  const before = known.get(node);
  if (before !== undefined) return before;
  const count =
    node.kind === "source" ? 1 : inputsOf(node).reduce((sum, input) => sum + countPaths(input, known), 0);
  known.set(node, count);
  return count;
}

const drawn = drawnPlan.filter(isSmall);

test("every end and every side of a shuffle is fed by exactly its ways, in the order of the unions", () => {
  fc.assert(
    fc.property(drawn, (plan) => {
      const { cut, small } = cutOf(plan);
      plan.ends.forEach(({ end }, index) => {
        expectPaths(cut, cut.endProducers[index]!, pathsInto(end.input, small));
      });
      for (const { input, broadcasts } of cut.stages) {
        for (const { join, side, producers } of broadcasts) {
          expect(small.get(join)).toBe(side);
          expectPaths(cut, producers, pathsInto(inputsOf(join)[side]!, small));
        }
        if (input.kind === "source") continue;
        expect(input.sides).toHaveLength(sidesOf(input.shuffle).length);
        sidesOf(input.shuffle).forEach((side, index) => {
          expectPaths(cut, input.sides[index]!, pathsInto(side, small));
        });
      }
    }),
    { numRuns: 500 },
  );
});

test("the drawn plans have joins of every way, and some that cannot broadcast", () => {
  const ways = fc.sample(drawn, { numRuns: 500, seed: 1 }).map(waysOf);
  const count = (way: JoinWay): number =>
    ways.flatMap((some) => some ?? []).filter((one) => one === way).length;
  expect(count("left")).toBeGreaterThan(4);
  expect(count("right")).toBeGreaterThan(4);
  expect(count("shuffle")).toBeGreaterThan(4);
  expect(ways.filter((some) => some === undefined).length).toBeGreaterThan(4);
});

test("every sink feeds what it says, once; none is left over", () => {
  fc.assert(
    fc.property(drawn, (plan) => {
      const { cut, small } = cutOf(plan);
      const used = new Map<string, string>();
      const use = ({ stage, sink }: Producer, by: string): void => {
        expect(used.has(`${stage}/${sink}`)).toBe(false);
        used.set(`${stage}/${sink}`, by);
      };
      cut.endProducers.forEach((producers, end) => {
        for (const producer of producers) use(producer, `end ${end}`);
      });
      const joins = new Set(cut.stages.flatMap(({ broadcasts }) => broadcasts.map(({ join }) => join)));
      for (const join of joins) {
        const readers = cut.stages.flatMap((stage) => stage.broadcasts.filter((of) => of.join === join));
        for (const { producers } of readers) expect(producers).toEqual(readers[0]!.producers);
        for (const producer of readers[0]!.producers) use(producer, `broadcast ${small.get(join)}`);
      }
      cut.stages.forEach(({ id, input }) => {
        if (input.kind === "source") return;
        input.sides.forEach((producers, side) => {
          for (const producer of producers) use(producer, `stage ${id}, side ${side}`);
        });
      });
      const stageOf = new Map(cut.stages.map((stage) => [rootOf(stage), stage.id]));
      const feeds = (sink: Sink): string => {
        if (sink.kind === "end") return `end ${sink.endIndex}`;
        if (sink.kind === "broadcast") return `broadcast ${small.get(sink.join)}`;
        return `stage ${stageOf.get(sink.shuffle)}, side ${sink.side}`;
      };
      const said = cut.stages.flatMap(({ id, sinks }) =>
        sinks.map((sink, index): [string, string] => [`${id}/${index}`, feeds(sink)]),
      );
      expect(new Map(said)).toEqual(used);
    }),
    { numRuns: 500 },
  );
});

test("each source and each wide operator is one stage, after all that it reads; nothing else is", () => {
  fc.assert(
    fc.property(drawn, (plan) => {
      const { cut, small } = cutOf(plan);
      const roots = [...reachable(plan)].filter(
        (node) => node.kind === "source" || (isWide(node) && !small.has(node)),
      );
      expect(new Set(cut.stages.map(rootOf))).toEqual(new Set(roots));
      expect(cut.stages).toHaveLength(roots.length);
      expect(cut.sources).toHaveLength(new Set(cut.sources).size);
      expect(new Set<PlanNode>(cut.sources)).toEqual(new Set(roots.filter(({ kind }) => kind === "source")));
      cut.stages.forEach(({ id, input, broadcasts, dependsOn }, index) => {
        expect(id).toBe(index);
        for (const earlier of dependsOn) expect(earlier).toBeLessThan(id);
        const sides = [
          ...(input.kind === "source" ? [] : input.sides),
          ...broadcasts.map(({ producers }) => producers),
        ];
        const read = sides.flat().map(({ stage }) => stage);
        expect(dependsOn).toEqual([...new Set(read)].sort((a, b) => a - b));
        if (input.kind === "source") expect(cut.sources[input.sourceIndex]).toBe(input.source);
      });
    }),
    { numRuns: 500 },
  );
});

test("an operator above several ends runs once: no branch of a stage holds it twice, but for ways through unions", () => {
  fc.assert(
    fc.property(drawn, (plan) => {
      const unions = [...reachable(plan)].some(({ kind }) => kind === "union");
      fc.pre(!unions);
      const seen = new Set<PlanNode>();
      const walk = (branches: readonly Branch[]): void => {
        for (const branch of branches) {
          if (branch.kind === "sink") continue;
          expect(seen.has(branch.op)).toBe(false);
          seen.add(branch.op);
          walk(branch.next);
        }
      };
      const { cut, small } = cutOf(plan);
      for (const { branches } of cut.stages) walk(branches);
      expect(seen).toEqual(new Set([...reachable(plan)].filter((node) => isNarrow(node) || small.has(node))));
    }),
    { numRuns: 500 },
  );
});

test("the same plan is cut the same way, has the same fingerprint, a size for every stage, and a label", () => {
  fc.assert(
    fc.property(drawn, fc.array(fc.nat({ max: 50 }), { minLength: 13, maxLength: 13 }), (plan, splits) => {
      const { cut } = cutOf(plan);
      const shapeOf = ({ stages, endProducers }: StagePlan): unknown => [
        stages.map(({ id, branches, sinks, dependsOn }) => [
          id,
          dependsOn,
          sinks.length,
          JSON.stringify(branches),
        ]),
        endProducers,
      ];
      expect(shapeOf(cutOf(plan).cut)).toEqual(shapeOf(cut));
      expect(fingerprint(plan)).toBe(fingerprint(plan));
      const sizes = sizeStages(
        cut,
        splits.map((count) => ({ splits: count, bytesMax: Number.POSITIVE_INFINITY })),
      );
      cut.stages.forEach((stage, index) => {
        const { tasks, sinkPartitions } = sizes[index]!;
        expect(tasks).toBe(
          stage.input.kind === "source" ? splits[stage.input.sourceIndex] : Math.max(tasks, 1),
        );
        expect(sinkPartitions).toHaveLength(stage.sinks.length);
        stage.sinks.forEach((sink, at) => {
          const reader =
            sink.kind !== "shuffle" ? undefined : cut.stages.findIndex((of) => rootOf(of) === sink.shuffle);
          expect(sinkPartitions[at]).toBe(reader === undefined ? 1 : sizes[reader]!.tasks);
        });
        expect(labelStage(stage)).toMatch(/^\S.*\S$/);
      });
    }),
    { numRuns: 300 },
  );
});
