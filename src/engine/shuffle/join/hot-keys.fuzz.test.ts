import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { Prng } from "../../../base/prng.ts";
import type { JoinNode, JoinType } from "../../../plan/node.ts";
import { runShuffle } from "../../../sim/memory-shuffle.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const HOWS: readonly JoinType[] = ["inner", "left", "right", "full", "semi", "anti"];

type Pair = readonly [key: string | number, value: string];

async function joined(
  how: JoinType,
  left: readonly (readonly Pair[])[],
  right: readonly Pair[],
  partitions: number,
  memoryBytes: number,
): Promise<(readonly [key: unknown, ...unknown[]])[][]> {
  const node: JoinNode = { kind: "join", how, strategy: "shuffle", left: input, right: input, partitions };
  const rows = [[left], [[right]]];
  const { results } = await runShuffle({ node, rows, partitions, memoryBytes, codecs });
  return results as [key: unknown][][];
}

function naive(how: JoinType, left: readonly Pair[], right: readonly Pair[]): unknown[] {
  const rows = new Map<unknown, { lefts: string[]; rights: string[] }>();
  for (const [side, pairs] of [left, right].entries()) {
    for (const [key, value] of pairs) {
      const entry = rows.get(key) ?? { lefts: [], rights: [] };
      rows.set(key, entry);
      (side === 0 ? entry.lefts : entry.rights).push(value);
    }
  }
  return [...rows].flatMap(([key, { lefts, rights }]): unknown[] => {
    if (how === "semi" || how === "anti")
      return (how === "semi") === rights.length > 0 ? lefts.map((value) => [key, value]) : [];
    if (rights.length === 0)
      return how === "left" || how === "full" ? lefts.map((l) => [key, [l, undefined]]) : [];
    if (lefts.length === 0)
      return how === "right" || how === "full" ? rights.map((r) => [key, [undefined, r]]) : [];
    return lefts.flatMap((l) => rights.map((r) => [key, [l, r]]));
  });
}

const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();

/** So many rows of a map task: a share of them of a few keys, mixed or one after the other. */
function leftTask(
  seed: string,
  rows: number,
  hot: readonly (string | number)[],
  share: number,
  mixed: boolean,
): Pair[] {
  const prng = new Prng(seed);
  return Array.from({ length: rows }, (_, row): Pair => {
    const isHot = mixed ? prng.next() < share : row < rows * share;
    const key = isHot ? hot[Math.floor(prng.next() * hot.length)]! : `k${Math.floor(prng.next() * 300)}`;
    return [key, `${seed}.${row}`];
  });
}

const skewed = fc.record({
  how: fc.constantFrom(...HOWS),
  partitions: fc.constantFrom(1, 2, 3, 8),
  hot: fc.uniqueArray(fc.constantFrom<string | number>("hot", 7, 0.5, "k1", "ж", "x".repeat(300)), {
    minLength: 1,
    maxLength: 5,
  }),
  shares: fc.array(fc.constantFrom(0, 0.2, 0.5, 1), { minLength: 1, maxLength: 3 }),
  mixed: fc.boolean(),
  /** Of each hot key, and of each other. */
  rightRows: fc.tuple(fc.constantFrom(0, 1, 3), fc.constantFrom(0, 1, 2)),
  memoryBytes: fc.constantFrom(1 << 28, 200_000),
});

describe("a join with hot keys", () => {
  it("equals a naive one, however the keys' rows are spread", async () => {
    await fc.assert(
      fc.asyncProperty(skewed, async ({ how, partitions, hot, shares, mixed, rightRows, memoryBytes }) => {
        const left = shares.map((share, task) => leftTask(`t${task}`, 12_000, hot, share, mixed));
        const keys = [...hot, ...Array.from({ length: 320 }, (_, i) => `k${i}`)];
        const right = keys.flatMap((key, i): Pair[] =>
          Array.from({ length: rightRows[i < hot.length ? 0 : 1] }, (_, n): Pair => [key, `r${i}.${n}`]),
        );
        const got = await joined(how, left, right, partitions, memoryBytes);
        expect(sorted(got.flat())).toEqual(sorted(naive(how, left.flat(), right)));
      }),
      { numRuns: 20 },
    );
  });

  it("has many reduce tasks share the rows of one key", async () => {
    const partitions = 8;
    const left = Array.from({ length: 8 }, (_, task) => leftTask(`t${task}`, 20_000, ["hot"], 0.9, true));
    const results = await joined("full", left, [["hot", "r"]], partitions, 1 << 28);
    const shares = results.map((rows) => rows.filter(([key]) => key === "hot").length);
    expect(Math.max(...shares)).toBeLessThan((left.length * 20_000) / 2);
    expect(shares.every((rows) => rows > 10_000)).toBe(true);
  });

  it("leaves long runs of sorted input at home: each of their keys is soon over", async () => {
    const rows = Array.from({ length: 40_000 }, (_, row): Pair => [Math.floor(row / 2000), `${row}`]);
    const results = await joined("left", [[], rows], [], 4, 1 << 28);
    const keysOf = results.map((part) => new Set(part.map(([key]) => key)));
    expect(keysOf.reduce((sum, { size }) => sum + size, 0)).toBe(20);
  });
});
