import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import type { Aggregator, PlanNode, UserFunction } from "../../plan/node.ts";
import { runPlan } from "../../sim/jobs/plan-run.ts";

/** So many that the table is large, and the keys after them wait before they are folded. */
const KEYS_BEFORE = 30_000;
const before = Array.from({ length: KEYS_BEFORE }, (_, i): [string, number] => [`k${i}`, i]);

/** Neither commutative nor associative: it tells in which order values came. */
const add = (sum: unknown, value: unknown): unknown =>
  typeof sum !== "number" || typeof value !== "number" ? `${sum}/${value}` : (sum * 31 + value) % 1_000_003;

function collectPairs(
  rows: readonly unknown[],
  aggregator: Aggregator | "count",
): Promise<readonly unknown[]> {
  const node: PlanNode = {
    kind: "aggregate",
    input: { kind: "source", source: { format: "of", values: rows, partitions: undefined } },
    key: "pair",
    aggregator,
    emit: "pair",
    empty: undefined,
    partitions: 1,
  };
  const plan = {
    ends: [{ name: "pairs", end: { kind: "collect", input: node, rowsMax: 1e9, single: false } as const }],
    shape: "record",
  } as const;
  const splits = [[{ kind: "items", start: 0, end: rows.length } as const]];
  return runPlan({ plan, splits, codec: createMsgpackCodec(), crc32, gzip }).then(
    ({ collected }) => collected.pairs as readonly unknown[],
  );
}

const folding = (fn: (sum: never, value: never) => unknown): Aggregator => ({
  init: ((value: unknown) => value) as UserFunction,
  add: fn as UserFunction,
  merge: fn as UserFunction,
  finish: undefined,
});

const key = fc.oneof(
  { weight: 8, arbitrary: fc.nat(KEYS_BEFORE + 500).map((id) => `k${id}`) },
  // Of a length that a slot has no room for: they differ in what it leaves out, and in what it holds.
  {
    weight: 2,
    arbitrary: fc.nat(300).map((id) => `${id % 3} of its end: ${String(id).padStart(3, "0")}`.slice(0, 16)),
  },
  fc.nat(40).map((length) => "x".repeat(length)),
  fc.string({ unit: fc.constantFrom("k", "\0", "\x7f", "é", "語"), maxLength: 5 }),
  fc.nat(5),
);
const value = fc.oneof(
  { weight: 50, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
  fc.constantFrom(0.5, -0, "text"),
);

describe("keys that wait", () => {
  it("are folded as if they had not, among those that cannot wait", async () => {
    const tails = fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 2000, size: "max" });
    await fc.assert(
      fc.asyncProperty(tails, async (tail) => {
        const sums = new Map<unknown, unknown>(before);
        const counts = new Map<unknown, number>(before.map(([name]) => [name, 1]));
        for (const [name, given] of tail) {
          sums.set(name, sums.has(name) ? add(sums.get(name), given) : given);
          counts.set(name, (counts.get(name) ?? 0) + 1);
        }
        const rows = [...before, ...tail];
        const folded = await collectPairs(rows, folding(add));
        expect(new Map(folded as [unknown, unknown][])).toEqual(sums);
        expect(folded.length).toBe(sums.size);
        expect(new Map((await collectPairs(rows, "count")) as [unknown, number][])).toEqual(counts);
      }),
      { numRuns: 30 },
    );
  });

  it("stop waiting where most are the same few", async () => {
    const tail = Array.from({ length: 40_000 }, (_, i): [string, number] => [`k${i % 10}`, 1]);
    const counts = new Map((await collectPairs([...before, ...tail], "count")) as [string, number][]);
    expect(counts.size).toBe(KEYS_BEFORE);
    expect(counts.get("k3")).toBe(4001);
    expect(counts.get("k11")).toBe(1);
  });

  it("find none of the keys before where the table was emptied meanwhile", async () => {
    const rows = Array.from({ length: 400_000 }, (_, i): [string, number] => [
      `k${Math.imul(i, 40_503) & 0x3ffff}`,
      i,
    ]);
    const sums = new Map<unknown, unknown>();
    for (const [name, given] of rows) sums.set(name, ((sums.get(name) as number) ?? 0) + given);
    const folded = await collectPairs(
      rows,
      folding((sum: number, given: number) => sum + given),
    );
    expect(folded.length).toBe(sums.size);
    expect((folded as [unknown, unknown][]).filter(([name, sum]) => sums.get(name) !== sum)).toEqual([]);
  });

  it("fail at their own record", async () => {
    const failing = folding((sum: number, given: number) => {
      if (given === 77) throw new Error("no sevens");
      return sum + given;
    });
    const tail = Array.from({ length: 200 }, (_, i): [string, number] => [`k${i}`, i]);
    await expect(collectPairs([...before, ...tail], failing)).rejects.toMatchObject({
      code: "USER_FUNCTION",
      message: expect.stringContaining("no sevens"),
      details: { record: expect.stringContaining("77") },
    });
  });
});
