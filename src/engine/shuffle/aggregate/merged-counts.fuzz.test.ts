import fc from "fast-check";
import { expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { Prng } from "../../../base/prng.ts";
import type { AggregateNode } from "../../../plan/node.ts";
import { runShuffle } from "../../../sim/ports/memory-shuffle.ts";
import { TABLE_ENTRIES_MAX } from "../../kernel/word-table.ts";
import type { NumberArray } from "../block/column.ts";
import type { FrameColumns } from "../block/frame.ts";
import { MergedCounts } from "./merged-counts.ts";

const MEMORY_BYTES = 64 * 1024 * 1024;
/** Equal beginnings of every length, so that all ways of comparing are gone; and every length near a vector's. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\x01", "\x7f"), maxLength: 3 }),
  fc.string({ unit: fc.constantFrom("a", "B"), minLength: 7, maxLength: 10 }),
  fc.string({ unit: fc.constantFrom("a", "b"), minLength: 14, maxLength: 35 }),
  fc.nat(70).map((length) => "x".repeat(length)),
  fc.string({ unit: fc.constantFrom("a", "\0"), maxLength: 2 }),
);
const row = fc.tuple(text, fc.oneof(fc.nat(3), fc.nat(300), fc.nat(2 ** 31)));
const frame = fc.array(row, { minLength: 1, maxLength: 40 });
type Rows = readonly (readonly [string, number])[];

function columnsOf(rows: Rows): FrameColumns {
  const counts = rows.map(([, count]) => count);
  const most = Math.max(...counts);
  const numbers: NumberArray =
    most < 256 ? Uint8Array.from(counts) : most < 65536 ? Uint16Array.from(counts) : Uint32Array.from(counts);
  const lengths = Uint32Array.from(rows, ([key]) => key.length);
  const bytes = Buffer.from(rows.map(([key]) => key).join(""), "latin1");
  return {
    rows: rows.length,
    keys: { kind: "text", encoding: "ascii", bytes, lengths },
    values: { kind: "numbers", numbers },
  };
}

const sumOf = (rows: Rows): number => rows.reduce((sum, [, count]) => sum + count, 0);

function inOrder(rows: Rows): [string, number][] {
  const counts = new Map<string, number>();
  for (const [key, count] of rows) counts.set(key, (counts.get(key) ?? 0) + count);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

function resultsOf(counts: MergedCounts): [string, number][] {
  const results = counts.results();
  const rows: [string, number][] = [];
  while (results.next()) rows.push([results.key as string, results.value as number]);
  return rows;
}

function open(memoryBytes = MEMORY_BYTES): MergedCounts {
  const counts = MergedCounts.open(memoryBytes);
  expect(counts).toBeDefined();
  return counts!;
}

it("adds up what it takes, in the order of the keys, and refuses what it could not tell apart", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), (frames) => {
      const counts = open();
      const taken: (readonly [string, number])[] = [];
      for (const rows of frames) {
        const fits = sumOf(taken) + sumOf(rows) < 2 ** 32 && !rows.some(([key]) => key.includes("\0"));
        expect(counts.take(columnsOf(rows))).toBe(fits);
        if (fits) taken.push(...rows);
      }
      expect(counts.isEmpty).toBe(taken.length === 0);
      expect(resultsOf(counts)).toEqual(inOrder(taken));
      counts.dispose();
    }),
    { numRuns: 300 },
  );
});

it("refuses columns of other kinds, and signs and fractions", () => {
  const counts = open();
  const good = columnsOf([["a", 1]]);
  const { keys } = good;
  for (const numbers of [Float64Array.of(1), Int8Array.of(1), Int32Array.of(1)]) {
    expect(counts.take({ rows: 1, keys, values: { kind: "numbers", numbers } })).toBe(false);
  }
  expect(counts.take({ ...good, keys: undefined })).toBe(false);
  expect(counts.take({ ...good, keys: { kind: "values", values: ["a"] } })).toBe(false);
  expect(counts.take({ ...good, values: { kind: "values", values: [1] } })).toBe(false);
  if (keys?.kind === "text")
    expect(counts.take({ ...good, keys: { ...keys, encoding: "utf8" } })).toBe(false);
  expect(counts.isEmpty).toBe(true);
  counts.dispose();
});

it("holds many keys, as far as memory and the kernel's room go", () => {
  const prng = new Prng("many keys");
  const frameOf = (index: number): Rows =>
    Array.from({ length: 4096 }, (_, i): [string, number] => [
      `${prng.nextUint32() % 16}/${index * 4096 + i}`,
      1,
    ]);
  for (const [memoryBytes, frames] of [
    [128 * 1024 * 1024, TABLE_ENTRIES_MAX / 4096],
    [4 * 1024 * 1024, 3],
  ] as const) {
    const counts = open(memoryBytes);
    const taken: (readonly [string, number])[] = [];
    for (let index = 0; index < frames; index++) {
      const rows = frameOf(index);
      expect(counts.take(columnsOf(rows))).toBe(true);
      taken.push(...rows);
    }
    expect(counts.take(columnsOf([["one more", 1], ...frameOf(frames).slice(1)]))).toBe(false);
    expect(resultsOf(counts)).toEqual(inOrder(taken));
    counts.dispose();
  }
});

const count: AggregateNode = {
  kind: "aggregate",
  input: { kind: "source", source: { format: "of", values: [], partitions: undefined } },
  key: "record",
  aggregator: "count",
  emit: "pair",
  empty: undefined,
  partitions: undefined,
};

it("goes with the table and what it spilled, to the same results for every budget", async () => {
  const prng = new Prng("keys of all kinds");
  const plain = (number: number): unknown => `a key ${number}`;
  const any = (number: number): unknown =>
    [number, `ключ ${number}`, `a\0${number}`, plain(number), `${"long ".repeat(40)}${number}`][number % 5];
  // Blocks of keys that the kernel takes, and such of others, of which some are the same keys.
  const tasks = [plain, any, plain, any].map((keyOf) =>
    Array.from({ length: 50_000 }, () => keyOf(prng.below(60_000))),
  );
  const codecs = { codec: createMsgpackCodec(), crc32, gzip };
  const expected = new Map<unknown, number>();
  for (const key of tasks.flat()) expected.set(key, (expected.get(key) ?? 0) + 1);
  const all: unknown[] = [];
  for (const memoryBytes of [1024 * 1024 * 1024, 4 * 1024 * 1024, 256 * 1024]) {
    const { results } = await runShuffle({
      node: count,
      rows: [[tasks]],
      partitions: 1,
      memoryBytes,
      codecs,
    });
    expect(results.flat().length).toBe(expected.size);
    expect(new Map(results.flat() as [unknown, number][])).toEqual(expected);
    all.push(results);
  }
  expect(all[1]).toEqual(all[0]);
  expect(all[2]).toEqual(all[0]);
});
