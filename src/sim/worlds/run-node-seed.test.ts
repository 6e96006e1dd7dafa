import { expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { runNodeSeed } from "./run-node-seed.ts";
import type { SeedResult } from "./run-seed.ts";

const SEEDS = 200;
const LIBRARIES = { codec: createMsgpackCodec(), crc32, gzip };

test(`a cluster of whole nodes keeps every promise over ${SEEDS} seeds, and meets what is worth meeting`, async () => {
  const results: SeedResult[] = [];
  for (let seed = 0; seed < SEEDS; seed++) results.push(await runNodeSeed(String(seed), LIBRARIES));
  const problems = results.flatMap(({ seed, problems }) =>
    problems.map((problem) => `${problem}\n  replay it: npm run sim -- --world nodes --seed ${seed} --trace`),
  );
  expect(problems).toEqual([]);
  const met = new Set(results.flatMap(({ sometimes }) => [...sometimes]));
  expect([...met].sort()).toEqual([
    "backupWon",
    "drained",
    "nodeSetAside",
    "resumedAfterFailure",
    "takeOver",
  ]);
});

test("plays a seed of whole nodes the same way every time", async () => {
  for (const seed of ["3", "17", "106"]) {
    const [first, second] = [await runNodeSeed(seed, LIBRARIES), await runNodeSeed(seed, LIBRARIES)];
    expect(second).toEqual(first);
  }
});
