import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { Prng } from "../../../base/prng.ts";
import type { JoinNode, JoinType } from "../../../plan/node.ts";
import { createMemoryEnvironment, mapShuffle, runShuffle } from "../../../sim/ports/memory-shuffle.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const HOWS: readonly JoinType[] = ["inner", "left", "right", "full", "semi", "anti"];

type Key = string | number | boolean | null | readonly number[];
type Pair = readonly [key: Key, value: string];
type Tasks = readonly (readonly Pair[])[];

async function joined(
  how: JoinType,
  left: Tasks,
  right: Tasks,
  partitions: number,
  memoryBytes: number,
): Promise<(readonly [key: unknown, ...unknown[]])[][]> {
  const node: JoinNode = { kind: "join", how, strategy: "shuffle", left: input, right: input, partitions };
  const { results } = await runShuffle({ node, rows: [[left], [right]], partitions, memoryBytes, codecs });
  return results as [key: unknown][][];
}

function naive(how: JoinType, left: readonly Pair[], right: readonly Pair[]): unknown[] {
  const rows = new Map<string, { key: Key; lefts: string[]; rights: string[] }>();
  for (const [side, pairs] of [left, right].entries()) {
    for (const [key, value] of pairs) {
      const entry = rows.get(JSON.stringify(key)) ?? { key, lefts: [], rights: [] };
      rows.set(JSON.stringify(key), entry);
      (side === 0 ? entry.lefts : entry.rights).push(value);
    }
  }
  return [...rows.values()].flatMap(({ key, lefts, rights }): unknown[] => {
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
function mapTask(seed: string, rows: number, hot: readonly Key[], share: number, mixed: boolean): Pair[] {
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
  hot: fc.uniqueArray(
    fc.constantFrom<Key>("hot", 7, 0.5, "k1", "ж", "x".repeat(300), null, true, [1, 2], [1, 3]),
    { minLength: 1, maxLength: 5 },
  ),
  hotSide: fc.constantFrom("left", "right"),
  shares: fc.array(fc.constantFrom(0, 0.2, 0.5, 1), { minLength: 1, maxLength: 3 }),
  mixed: fc.boolean(),
  /** Of the other side, of each hot key and of each other. */
  otherRows: fc.tuple(fc.constantFrom(0, 1, 3), fc.constantFrom(0, 1, 2)),
  memoryBytes: fc.constantFrom(1 << 28, 200_000),
});

describe("a join with hot keys", () => {
  it("equals a naive one, however the rows of either side are spread", async () => {
    await fc.assert(
      fc.asyncProperty(
        skewed,
        async ({ how, partitions, hot, hotSide, shares, mixed, otherRows, memoryBytes }) => {
          const skew = shares.map((share, task) => mapTask(`t${task}`, 12_000, hot, share, mixed));
          const keys = [...hot, ...Array.from({ length: 320 }, (_, i) => `k${i}`)];
          const other = keys.flatMap((key, i): Pair[] =>
            Array.from({ length: otherRows[i < hot.length ? 0 : 1] }, (_, n): Pair => [key, `r${i}.${n}`]),
          );
          const [left, right] = hotSide === "left" ? [skew, [other]] : [[other], skew];
          const got = await joined(how, left, right, partitions, memoryBytes);
          expect(sorted(got.flat())).toEqual(sorted(naive(how, left.flat(), right.flat())));
        },
      ),
      { numRuns: 30 },
    );
  });

  it("keeps or drops left rows by whether they match, where keys are hot on both sides", async () => {
    const shares = fc.array(fc.constantFrom(0, 0.3, 1), { minLength: 1, maxLength: 3 });
    const keys = fc.subarray<Key>(["hot", "warm", 3], { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          how: fc.constantFrom<JoinType>("semi", "anti"),
          keys: fc.tuple(keys, keys),
          shares: fc.tuple(shares, shares),
        }),
        async ({ how, keys, shares }) => {
          const tasks = (side: 0 | 1) =>
            shares[side].map((share, task) => mapTask(`${side}.${task}`, 9000, keys[side], share, true));
          const [left, right] = [tasks(0), tasks(1)];
          const got = await joined(how, left, right, 3, 1 << 28);
          expect(sorted(got.flat())).toEqual(sorted(naive(how, left.flat(), right.flat())));
        },
      ),
      { numRuns: 10 },
    );
  });

  it.each([1 << 28, 500_000])(
    "gives each pair once where a key is hot on both sides, in %d bytes",
    async (memoryBytes) => {
      const partitions = 3;
      const rows = 9000;
      const node: JoinNode = {
        kind: "join",
        how: "full",
        strategy: "shuffle",
        left: input,
        right: input,
        partitions,
      };
      // A key hot on both sides, each with keys of its own. The first task is too short to find out.
      const tasks = (side: string) =>
        [200, rows].map((length, task) =>
          mapTask(`${side}${task}`, length, ["hot"], 0.15, true).map(([key], row): [Key, number] => [
            key === "hot" ? key : `${side}${row}`,
            task * 200 + row,
          ]),
        );
      const [left, right] = [tasks("l"), tasks("r")];
      const hotOf = (side: [Key, number][][]) => side.flat().filter(([key]) => key === "hot").length;
      const width = rows + 200;
      const met = new Uint8Array(width * width);
      let alone = 0;
      const shares = await runShuffle({
        node,
        rows: [[left], [right]],
        partitions,
        memoryBytes,
        codecs,
        keep: (row) => {
          const [key, [l, r]] = row as [Key, [number | undefined, number | undefined]];
          if (l === undefined || r === undefined) alone++;
          else met[l * width + r]!++;
          return key === "hot";
        },
      });
      const hotPairs = shares.results.map((part) => part.filter(Boolean).length);
      expect(hotPairs.reduce((sum, pairs) => sum + pairs, 0)).toBe(hotOf(left) * hotOf(right));
      expect(met.reduce((sum, times) => sum + times, 0)).toBe(hotOf(left) * hotOf(right));
      expect(met.every((times) => times < 2)).toBe(true);
      expect(alone).toBe(width - hotOf(left) + width - hotOf(right));
      expect(hotPairs.filter((pairs) => pairs > 0).length).toBeGreaterThan(1);
    },
  );

  it.each(["left", "right"])(
    "has many reduce tasks share the rows of one key of the %s side",
    async (side) => {
      const partitions = 8;
      const skew = Array.from({ length: 8 }, (_, task) => mapTask(`t${task}`, 20_000, ["hot"], 0.9, true));
      const other: Tasks = [[["hot", "r"]]];
      const [left, right] = side === "left" ? [skew, other] : [other, skew];
      const results = await joined("full", left, right, partitions, 1 << 28);
      const shares = results.map((rows) => rows.filter(([key]) => key === "hot").length);
      expect(Math.max(...shares)).toBeLessThan((skew.length * 20_000) / 2);
      expect(shares.every((rows) => rows > 10_000)).toBe(true);
    },
  );

  it.each(["semi", "anti"] as const)("moves few right rows of a hot key for a %s join", async (how) => {
    const node: JoinNode = {
      kind: "join",
      how,
      strategy: "shuffle",
      left: input,
      right: input,
      partitions: 8,
    };
    const env = createMemoryEnvironment(codecs);
    const rows = [[[[["hot", "l"]]]], [[mapTask("t", 200_000, ["hot"], 0.9, true)]]];
    const sides = await mapShuffle({ node, rows, partitions: 8, env });
    const right = sides[1]!.flatMap(({ blocks }) => blocks).reduce((sum, { bytes }) => sum + bytes, 0);
    // A tenth of the rows have other keys, of four bytes or less.
    expect(right).toBeLessThan(200_000 * 0.15 * 5);
  });

  it("leaves long runs of sorted input at home: each of their keys is soon over", async () => {
    const rows = Array.from({ length: 40_000 }, (_, row): Pair => [Math.floor(row / 2000), `${row}`]);
    const results = await joined("left", [[], rows], [], 4, 1 << 28);
    const keysOf = results.map((part) => new Set(part.map(([key]) => key)));
    expect(keysOf.reduce((sum, { size }) => sum + size, 0)).toBe(20);
  });
});
