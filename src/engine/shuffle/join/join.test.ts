import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import type { JoinNode, JoinType } from "../../../plan/node.ts";
import { createMemoryEnvironment, runShuffle } from "../../../sim/ports/memory-shuffle.ts";
import { SpooledRows } from "./spooled-rows.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const join = (how: JoinType): JoinNode => {
  return { kind: "join", how, strategy: "shuffle", left: input, right: input, partitions: 1 };
};

type Pair = readonly [key: unknown, value: unknown];

const BUDGETS = [1 << 28, 1 << 20, 30_000, 1];

/** Under every budget; the results must be the same. */
async function joined(
  how: JoinType,
  left: readonly Pair[],
  right: readonly Pair[],
): Promise<readonly unknown[]> {
  let first: readonly unknown[] | undefined;
  for (const memoryBytes of BUDGETS) {
    const rows = [[[left]], [[right]]];
    const { results } = await runShuffle({ node: join(how), rows, partitions: 1, memoryBytes, codecs });
    first ??= results[0];
    expect(results[0]).toStrictEqual(first);
  }
  return first ?? [];
}

describe("a join of hot keys", () => {
  const hot = (count: number, name: string): Pair[] =>
    Array.from({ length: count }, (_, i) => ["hot", `${name} ${i} ${"x".repeat(20)}`]);

  it("gives each left row all right rows, in the right side's order, however little memory there is", async () => {
    const left: Pair[] = [["a", 1], ...hot(5, "left"), ["z", 2]];
    const right: Pair[] = [...hot(20_000, "right"), ["a", 3], ["b", 4]];
    const rows = await joined("full", left, right);
    const lefts = left.filter(([key]) => key === "hot");
    const rights = right.filter(([key]) => key === "hot");
    expect(rows).toStrictEqual([
      ["a", [1, 3]],
      ["b", [undefined, 4]],
      ...lefts.flatMap(([, l]) => rights.map(([, r]) => ["hot", [l, r]])),
      ["z", [2, undefined]],
    ]);
  });

  it("keeps the left side's order, which one is the smaller notwithstanding", async () => {
    const left = hot(20_000, "left");
    const right = hot(3, "right");
    expect(await joined("inner", left, right)).toStrictEqual(
      left.flatMap(([, l]) => right.map(([, r]) => ["hot", [l, r]])),
    );
    expect(await joined("semi", left, right)).toStrictEqual(left);
    expect(await joined("semi", right, left)).toStrictEqual(right);
    expect(await joined("anti", left, right)).toStrictEqual([]);
  });
});

it("names a key as the left side does, whichever side came first", async () => {
  const [small, large]: Pair[][] = [[[-0, 1]], Array.from({ length: 50 }, (_, i): Pair => [0, i])];
  for (const row of await joined("inner", small!, large!)) expect(Object.is((row as Pair)[0], -0)).toBe(true);
  for (const row of await joined("inner", large!, small!)) expect(Object.is((row as Pair)[0], 0)).toBe(true);
});

it("puts what does not fit on scratch, gives it as often as it is asked for, and leaves none of it there", () => {
  const env = createMemoryEnvironment(codecs);
  const rows = new SpooledRows({ env, memoryBytes: 10_000 });
  const values = Array.from({ length: 5000 }, (_, i) => `${i}`.padStart(30));
  for (const value of values) rows.add(value);
  for (let time = 0; time < 3; time++) {
    const lots = [...rows.lots()].map((lot) => [...lot]);
    expect(lots.flat()).toEqual(values);
    for (const lot of lots) expect(lot.length).toBeLessThan(500);
  }
  expect(env.scratch.filesOpen).toBe(1);
  rows.clear();
  expect(env.scratch.filesOpen).toBe(0);
  expect([...rows.lots()].flat()).toEqual([]);
});
