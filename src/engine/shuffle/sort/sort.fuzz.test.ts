import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import type { SortNode, UserFunction } from "../../../plan/node.ts";
import { runShuffle, type ShuffleRows } from "../../../sim/ports/memory-shuffle.ts";
import { sortOrder } from "./sort-order.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const input = {
  kind: "source",
  source: { format: "range", start: 0, end: 0, step: 1, partitions: 1 },
} as const;
/** From one merge of all to two runs at a time. */
const BUDGETS = [1 << 26, 1];

/** Of producers, their tasks and the rows of these. */
type Rows = ShuffleRows[number];

/** Sorts under every budget, and checks the rows against a stable sort by the comparison. */
async function expectSorted(node: Omit<SortNode, "kind" | "input">, rows: Rows): Promise<void> {
  const { by, descending, collation, partitions = 1 } = node;
  const order = sortOrder(descending, collation);
  const keyOf = by === "record" ? (row: unknown) => row : (by as (row: unknown) => unknown);
  const expected = rows.flat(2).sort((a, b) => order(keyOf(a), keyOf(b)));
  for (const memoryBytes of BUDGETS) {
    const sort: SortNode = { kind: "sort", input, ...node };
    const { results } = await runShuffle({ node: sort, rows: [rows], partitions, memoryBytes, codecs });
    expect(results.flat()).toStrictEqual(expected);
  }
}

const HOT = "https://example.com/a/long/prefix/that/all/of/them/share/and/that/no/mark/holds/in/full/";
const text = fc.oneof(
  fc.constantFrom("", "a", "a\0", "b", "é", "\n", "line\nfeed", "\ud83d\ude00", "\uffff", "\ud83d", "\ude00"),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.nat(20).map((n) => HOT + String(n)),
);
const tasksOf = <T>(row: fc.Arbitrary<T>): fc.Arbitrary<T[][][]> =>
  fc.array(fc.array(fc.array(row, { maxLength: 60 }), { maxLength: 4 }), { minLength: 1, maxLength: 2 });
const partitions = fc.integer({ min: 1, max: 5 });
const any = fc.oneof(
  text,
  fc.double(),
  fc.constantFrom<unknown>(-0, 0, Number.NaN, null, undefined, true, 3n),
);

it("sorts texts by themselves", async () => {
  await fc.assert(
    fc.asyncProperty(tasksOf(text), partitions, fc.boolean(), (rows, n, descending) =>
      expectSorted({ by: "record", descending, partitions: n }, rows),
    ),
    { numRuns: 150 },
  );
});

it("sorts records of all types by themselves", async () => {
  await fc.assert(
    fc.asyncProperty(tasksOf(any), partitions, fc.boolean(), (rows, n, descending) => {
      const flat = rows.map((side) =>
        side.map((task) => task.map((row) => (row === undefined ? null : row))),
      );
      return expectSorted({ by: "record", descending, partitions: n }, flat);
    }),
    { numRuns: 150 },
  );
});

it("sorts texts by slices of them, and by other keys", async () => {
  const keys: fc.Arbitrary<UserFunction> = fc.constantFrom<UserFunction[]>(
    (row: string) => row.slice(0, 3),
    (row: string) => row.slice(2, 40),
    (row: string) => row.slice(-2),
    (row: string) => row.length,
    (row: string) => (row.length % 2 === 0 ? row : row.length),
    (row: string) => [row.length % 3, row],
    () => "",
  );
  const directions = fc.oneof(fc.boolean(), fc.array(fc.boolean(), { minLength: 1, maxLength: 2 }));
  await fc.assert(
    fc.asyncProperty(tasksOf(text), partitions, keys, directions, (rows, n, by, descending) =>
      expectSorted({ by, descending, partitions: n }, rows),
    ),
    { numRuns: 200 },
  );
});

it("sorts rows of which only some are text", async () => {
  const row = fc.oneof(
    { weight: 9, arbitrary: text },
    { weight: 1, arbitrary: fc.record({ length: fc.nat(5) }, { noNullPrototype: true }) },
  );
  const keys = fc.constantFrom<UserFunction[]>(
    (each: { length: number }) => each.length,
    (each: { length: number }) => String(each.length),
    (each: { length: number }) => (typeof each === "string" ? each : each.length),
  );
  await fc.assert(
    fc.asyncProperty(tasksOf(row), partitions, keys, fc.boolean(), (rows, n, by, descending) =>
      expectSorted({ by, descending, partitions: n }, rows),
    ),
    { numRuns: 150 },
  );
});

it("sorts by the rules of a language", async () => {
  const word = fc.oneof(
    text,
    fc.constantFrom("Apfel", "apfel", "Äpfel", "Zebra", "file10", "file2", "öl", "Ol"),
  );
  const collation = fc.record({
    locale: fc.constantFrom("de", "sv", "en"),
    numeric: fc.boolean(),
    sensitivity: fc.constantFrom("base" as const, "variant" as const),
  });
  const keys = fc.constantFrom<("record" | UserFunction)[]>("record", (row: string) => [row.length % 2, row]);
  await fc.assert(
    fc.asyncProperty(
      tasksOf(word),
      partitions,
      collation,
      keys,
      fc.boolean(),
      (rows, n, rules, by, descending) =>
        expectSorted({ by, descending, partitions: n, collation: rules }, rows),
    ),
    { numRuns: 100 },
  );
});

it("sorts a flood of equal keys, and keeps the other ranges even", async () => {
  const flood = Array.from({ length: 60_000 }, (_, i) =>
    i % 3 === 0 ? `${HOT}${HOT}` : `${HOT}${i % 1000}`,
  );
  const node: SortNode = { kind: "sort", input, by: "record", descending: false, partitions: 8 };
  const { results } = await runShuffle({
    node,
    rows: [[[flood, flood]]],
    partitions: 8,
    memoryBytes: 1 << 26,
    codecs,
  });
  expect(results.flat()).toStrictEqual([...flood, ...flood].sort());
  const sizes = results.map((rows) => rows.length).sort((a, b) => b - a);
  // One range has all of the 40,000 equal ones; the others share what is left.
  expect(sizes[0]).toBeLessThan(40_000 + 20_000);
  expect(sizes[1]).toBeLessThan(25_000);
});

it("takes texts larger than what comes out of a merge at a time", async () => {
  const rows = ["b".repeat(700_000), "a", "a".repeat(900_000), "b", "c".repeat(20)];
  for (const by of ["record", (row: string) => row, (row: string) => row.slice(1)] as const) {
    await expectSorted({ by, descending: false, partitions: 2 }, [[rows, rows]]);
  }
});
