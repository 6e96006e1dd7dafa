import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import type { NarrowNode, Plan, PlanNode, SourceNode, UserFunction } from "../../plan/node.ts";
import type { SourceSplit } from "../../plan/task.ts";
import { runPlan } from "../../sim/jobs/plan-run.ts";

/** A plan over numbers, as data. */
type Shape =
  | { readonly kind: "source" }
  | { readonly kind: "union"; readonly inputs: readonly Shape[] }
  | { readonly kind: keyof typeof operators; readonly n: number; readonly input: Shape };

/** Each operator as the plan has it, and as Array methods have it over one partition. */
const operators = {
  map: narrow(
    "map",
    (n) => (row: number) => row * 3 + n,
    (n) => (rows) => rows.map((row) => row * 3 + n),
  ),
  filter: narrow(
    "filter",
    (n) => (row: number) => row % 5 !== n,
    (n) => (rows) => rows.filter((row) => row % 5 !== n),
  ),
  list: narrow("flatMap", copies, (n) => (rows) => rows.flatMap(copies(n))),
  generator: narrow(
    "flatMap",
    (n) =>
      function* (row: number) {
        yield* copies(n)(row);
      },
    (n) => (rows) => rows.flatMap(copies(n)),
  ),
  set: narrow(
    "flatMap",
    (n) => (row: number) => (row % 2 === 0 ? [row] : new Set([row, n, row])),
    (n) => (rows) => rows.flatMap((row) => (row % 2 === 0 || row === n ? [row] : [row, n])),
  ),
  windows: narrow(
    "mapPartitions",
    (n) =>
      function* (rows: Iterable<number>) {
        let before = n;
        for (const row of rows) {
          yield row - before;
          before = row;
        }
      },
    (n) => (rows) => rows.map((row, index) => row - (rows[index - 1] ?? n)),
  ),
  first: narrow(
    "mapPartitions",
    (n) =>
      function* (rows: Iterable<number>) {
        let left = n;
        for (const row of rows) {
          if (left-- <= 0) return;
          yield row;
        }
      },
    (n) => (rows) => rows.slice(0, n),
  ),
};

function copies(n: number): (row: number) => number[] {
  return (row) => Array.from({ length: Math.abs(row + n) % 3 }, (_, index) => row + index);
}

function narrow(
  kind: Exclude<NarrowNode["kind"], "sample">,
  fn: (n: number) => (...args: never[]) => unknown,
  model: (n: number) => (rows: readonly number[]) => number[],
) {
  const node = (n: number, input: PlanNode): PlanNode => ({ kind, input, fn: fn(n) as UserFunction });
  return { node, model };
}

const shapes = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant<Shape>({ kind: "source" }),
    fc.record({
      kind: fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
      n: fc.nat({ max: 4 }),
      input: tie("shape"),
    }),
    fc.record({
      kind: fc.constant("union" as const),
      inputs: fc.array(tie("shape"), { minLength: 1, maxLength: 3 }),
    }),
  ),
})).shape;

function planOf(ends: readonly Shape[], source: SourceNode): Plan {
  const known = new Map<Shape, PlanNode>();
  const build = (shape: Shape): PlanNode => {
    if (shape.kind === "source") return source;
    let node = known.get(shape);
    if (node === undefined) {
      node =
        shape.kind === "union"
          ? { kind: "union", inputs: shape.inputs.map(build) }
          : operators[shape.kind].node(shape.n, build(shape.input));
      known.set(shape, node);
    }
    return node;
  };
  return {
    ends: ends.map((shape, index) => ({
      name: `end${index}`,
      end: { kind: "collect", input: build(shape), rowsMax: 1e9, single: false },
    })),
    shape: "record",
  };
}

/** The partitions of a data set, in order. */
function modelOf(shape: Shape, partitions: readonly (readonly number[])[]): readonly (readonly number[])[] {
  if (shape.kind === "source") return partitions;
  if (shape.kind === "union") return shape.inputs.flatMap((input) => modelOf(input, partitions));
  return modelOf(shape.input, partitions).map(operators[shape.kind].model(shape.n));
}

it("any tree of narrow operators and unions gives what Array methods give, with any memory", async () => {
  const partitions = fc.array(fc.array(fc.nat({ max: 100 }), { maxLength: 12 }), {
    minLength: 1,
    maxLength: 3,
  });
  const ends = fc.array(shapes, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      ends,
      partitions,
      fc.constantFrom(0, 1 << 26),
      fc.boolean(),
      async (some, rows, memoryBytes, shared) => {
        const all: Shape[] = shared ? [...some, { kind: "map", n: 1, input: some[0]! }] : some;
        const values = rows.flat();
        let start = 0;
        const splits = rows.map((part): SourceSplit => {
          start += part.length;
          return { kind: "items", start: start - part.length, end: start };
        });
        const source: SourceNode = {
          kind: "source",
          source: { format: "of", values, partitions: undefined },
        };
        const ports = { codec: createMsgpackCodec(), crc32, gzip, memoryBytes };
        const { collected, scratches } = await runPlan({
          plan: planOf(all, source),
          splits: [splits],
          ...ports,
        });
        for (const [index, shape] of all.entries()) {
          expect(collected[`end${index}`]).toEqual(modelOf(shape, rows).flat());
        }
        expect(scratches.every((scratch) => scratch.filesOpen === 0)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
