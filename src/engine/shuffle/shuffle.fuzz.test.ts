import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { compareKeys } from "../../base/compare.ts";
import { hashKey, partitionOf } from "../../base/hash.ts";
import type { Aggregator, JoinType, WideNode } from "../../plan/node.ts";
import { runShuffle, type ShuffleRows } from "../../sim/ports/memory-shuffle.ts";
import { sortOrder } from "./sort/sort-order.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;

type Pair = readonly [key: unknown, value: unknown];

const key = fc.oneof(
  fc.integer({ min: 0, max: 6 }),
  fc.constantFrom<unknown>(
    "a",
    "b",
    "bb",
    "",
    null,
    undefined,
    true,
    -0,
    Number.NaN,
    3n,
    "a key longer than thirteen units",
  ),
  fc.constantFrom<unknown>(
    [1, "x"],
    [1],
    { a: 1, b: [2] },
    { b: [2], a: 1 },
    new Date(5),
    new Uint8Array([1]),
  ),
  fc.double(),
  fc.string({ unit: "binary" }),
);
const value = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom<unknown>(null, undefined, true, 7n, -0),
  fc.record({ id: fc.nat(), text: fc.string() }, { noNullPrototype: true }),
  fc.tuple(fc.nat(), fc.option(fc.string())),
);
const tasksOf = <T>(row: fc.Arbitrary<T>): fc.Arbitrary<T[][][]> =>
  fc.array(fc.array(fc.array(row, { maxLength: 40 }), { maxLength: 4 }), { minLength: 1, maxLength: 3 });
const partitions = fc.integer({ min: 1, max: 5 });

/** From all in memory to a run for every row, merged two by two. */
const BUDGETS = [1 << 26, 20_000, 1500, 1];

/** Runs the shuffle under every budget, checks that the results are the same, and gives them by partition. */
async function results(node: WideNode, rows: ShuffleRows, partitionCount: number): Promise<unknown[][]> {
  let first: unknown[][] | undefined;
  let blocks: [string, string][] | undefined;
  for (const memoryBytes of BUDGETS) {
    const run = await runShuffle({ node, rows, partitions: partitionCount, memoryBytes, codecs });
    const written = [...run.env.blobs.blobs].map(([name, bytes]): [string, string] => [
      name,
      Buffer.from(bytes).toString("hex"),
    ]);
    first ??= run.results;
    blocks ??= written;
    expect(run.results).toStrictEqual(first);
    expect(written).toStrictEqual(blocks);
  }
  return first ?? [];
}

const flat = (rows: readonly (readonly (readonly unknown[])[])[] | undefined): unknown[] =>
  (rows ?? []).flat(2);

/** Values by key in order of arrival, keys ascending, each with the first of the equal keys. */
function grouped(pairs: readonly Pair[]): [unknown, unknown[]][] {
  const groups: [unknown, unknown[]][] = [];
  for (const [k, v] of pairs) {
    const group = groups.find(([other]) => compareKeys(other, k) === 0);
    if (group === undefined) groups.push([k, [v]]);
    else group[1].push(v);
  }
  return groups.sort(([a], [b]) => compareKeys(a, b));
}

/** Checks that the keys ascend and are where their hashes say, and gives all rows by key. */
function byKey(
  parts: readonly unknown[][],
  keyOf: (row: unknown) => unknown = (row) => (row as Pair)[0],
): unknown[] {
  for (const [partition, rows] of parts.entries()) {
    for (const [i, row] of rows.entries()) {
      expect(partitionOf(hashKey(keyOf(row)), parts.length)).toBe(partition);
      if (i > 0) expect(compareKeys(keyOf(rows[i - 1]), keyOf(row))).toBeLessThanOrEqual(0);
    }
  }
  // In boxes: `sort` puts undefined last without asking.
  const boxes = parts.flat().map((row) => ({ row }));
  return boxes.sort((a, b) => compareKeys(keyOf(a.row), keyOf(b.row))).map(({ row }) => row);
}

const sum: Aggregator = {
  init: (v: number) => v,
  add: (a: number, v: number) => a + v,
  merge: (a: number, b: number) => a + b,
  finish: undefined,
};
const list: Aggregator = {
  init: (v: unknown) => [v],
  add: (a: unknown[], v: unknown) => {
    a.push(v);
    return a;
  },
  merge: (a: unknown[], b: unknown[]) => {
    a.push(...b);
    return a;
  },
  finish: (a: unknown[]) => ({ list: a }),
};
const aggregate = (more: Partial<Extract<WideNode, { kind: "aggregate" }>>): WideNode => ({
  kind: "aggregate",
  input,
  key: "pair",
  aggregator: "count",
  emit: "pair",
  empty: undefined,
  partitions: undefined,
  ...more,
});

describe("every wide operator equals a naive one, whatever the memory", () => {
  it("counts", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(key, value)), partitions, async (rows, n) => {
        const got = byKey(await results(aggregate({}), [rows], n));
        expect(got).toStrictEqual(grouped(flat(rows) as Pair[]).map(([k, vs]) => [k, vs.length]));
      }),
    );
  });

  it("gives distinct records", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(key), partitions, async (rows, n) => {
        const got = byKey(await results(aggregate({ key: "record", emit: "key" }), [rows], n), (row) => row);
        expect(got).toStrictEqual(grouped(flat(rows).map((k) => [k, null])).map(([k]) => k));
      }),
    );
  });

  it("adds floating-point numbers to the last bit, by tasks and then in their order", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(key, fc.double())), partitions, async (rows, n) => {
        const partials = rows.flat().flatMap((task) => grouped(task).map(([k, vs]): Pair => [k, added(vs)]));
        const got = byKey(await results(aggregate({ aggregator: sum }), [rows], n));
        expect(got).toStrictEqual(grouped(partials).map(([k, vs]) => [k, added(vs)]));
      }),
    );
  });

  it("aggregates into objects that grow", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(key, value)), partitions, async (rows, n) => {
        const got = byKey(await results(aggregate({ aggregator: list }), [rows], n));
        expect(got).toStrictEqual(grouped(flat(rows) as Pair[]).map(([k, vs]) => [k, { list: vs }]));
      }),
    );
  });

  it("aggregates everything, and nothing", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(value), async (rows) => {
        const node = aggregate({ key: "all", aggregator: list, emit: "result", empty: () => "nothing" });
        const all = flat(rows);
        expect(await results(node, [rows], 1)).toStrictEqual([
          [all.length === 0 ? "nothing" : { list: all }],
        ]);
      }),
    );
  });

  it("groups", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(key, value)), partitions, async (rows, n) => {
        const node: WideNode = { kind: "group", input, key: "pair", combine: undefined, partitions: n };
        expect(byKey(await results(node, [rows], n))).toStrictEqual(grouped(flat(rows) as Pair[]));
      }),
    );
  });

  it("groups after combining", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(key, fc.integer())), partitions, async (rows, n) => {
        const combine = (_: unknown, vs: readonly unknown[]): number => added(vs);
        const node: WideNode = { kind: "group", input, key: "pair", combine, partitions: n };
        const combined = rows
          .flat()
          .flatMap((task) => grouped(task).map(([k, vs]): Pair => [k, combine(k, vs)]));
        expect(byKey(await results(node, [rows], n))).toStrictEqual(grouped(combined));
      }),
    );
  });

  it("cogroups", async () => {
    await fc.assert(
      fc.asyncProperty(
        tasksOf(fc.tuple(key, value)),
        tasksOf(fc.tuple(key, value)),
        partitions,
        async (left, right, n) => {
          const node: WideNode = { kind: "cogroup", left: input, right: input, partitions: n };
          const got = byKey(await results(node, [left, right], n));
          expect(got).toStrictEqual(matched(flat(left) as Pair[], flat(right) as Pair[]));
        },
      ),
    );
  });

  it.each<JoinType>(["inner", "left", "right", "full", "semi", "anti"])("joins: %s", async (how) => {
    await fc.assert(
      fc.asyncProperty(
        tasksOf(fc.tuple(key, value)),
        tasksOf(fc.tuple(key, value)),
        partitions,
        async (left, right, n) => {
          const node: WideNode = {
            kind: "join",
            how,
            strategy: "shuffle",
            left: input,
            right: input,
            partitions: n,
          };
          const expected = matched(flat(left) as Pair[], flat(right) as Pair[]).flatMap(([k, [ls, rs]]) =>
            joined(how, k, ls, rs),
          );
          expect(byKey(await results(node, [left, right], n))).toStrictEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("sorts stably over all partitions", async () => {
    const directions = fc.oneof(fc.boolean(), fc.array(fc.boolean(), { maxLength: 2 }));
    const by = fc.oneof(key, fc.tuple(fc.nat(3), fc.nat(3)));
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(by, value)), partitions, directions, async (rows, n, descending) => {
        const node: WideNode = { kind: "sort", input, by: ([k]: Pair) => k, descending, partitions: n };
        const order = sortOrder(descending);
        const got = (await results(node, [rows], n)).flat();
        expect(got).toStrictEqual((flat(rows) as Pair[]).sort(([a], [b]) => order(a, b)));
      }),
    );
  });

  it("finds the top", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(fc.tuple(key, value)), fc.nat(12), async (rows, count) => {
        const node: WideNode = { kind: "top", input, count, by: ([k]: Pair) => k };
        const expected = (flat(rows) as Pair[]).sort(([a], [b]) => compareKeys(b, a)).slice(0, count);
        expect(await results(node, [rows], 1)).toStrictEqual([expected]);
      }),
    );
  });

  it("deals records out evenly, in their order", async () => {
    await fc.assert(
      fc.asyncProperty(tasksOf(value), partitions, async (rows, n) => {
        const node: WideNode = { kind: "repartition", input, partitions: n };
        const expected = Array.from({ length: n }, (_, partition) =>
          rows.flatMap((tasks) =>
            tasks.flatMap((task, t) => task.filter((_, i) => (t + i) % n === partition)),
          ),
        );
        expect(await results(node, [rows], n)).toStrictEqual(expected);
      }),
    );
  });
});

const added = (values: readonly unknown[]): number => (values as number[]).reduce((a, b) => a + b);

function matched(left: readonly Pair[], right: readonly Pair[]): [unknown, [unknown[], unknown[]]][] {
  const sides = grouped([
    ...left.map(([k, v]): Pair => [k, [0, v]]),
    ...right.map(([k, v]): Pair => [k, [1, v]]),
  ]);
  return sides.map(([k, vs]) => {
    const of = (side: number): unknown[] =>
      (vs as [number, unknown][]).filter(([s]) => s === side).map(([, v]) => v);
    return [k, [of(0), of(1)]];
  });
}

function joined(how: JoinType, k: unknown, left: readonly unknown[], right: readonly unknown[]): unknown[] {
  if (how === "semi") return right.length > 0 ? left.map((l) => [k, l]) : [];
  if (how === "anti") return right.length === 0 ? left.map((l) => [k, l]) : [];
  if (left.length === 0)
    return how === "right" || how === "full" ? right.map((r) => [k, [undefined, r]]) : [];
  if (right.length === 0) return how === "left" || how === "full" ? left.map((l) => [k, [l, undefined]]) : [];
  return left.flatMap((l) => right.map((r) => [k, [l, r]]));
}
