import { expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { Tally } from "../tally.ts";
import { runNodeSeed } from "./run-node-seed.ts";

const SEEDS = 250;
const LIBRARIES = { codec: createMsgpackCodec(), crc32, gzip };

test(`a cluster of whole nodes keeps every promise over ${SEEDS} seeds, and meets what is worth meeting`, async () => {
  const tally = new Tally("nodes");
  const problems: string[] = [];
  for (let seed = 0; seed < SEEDS; seed++) {
    const result = await runNodeSeed(String(seed), LIBRARIES);
    tally.add(result);
    for (const problem of result.problems)
      problems.push(`${problem}\n  replay it: npm run sim -- --world nodes --seed ${seed} --trace`);
  }
  expect(problems).toEqual([]);
  expect(tally.missing).toEqual([]);
});

test("plays a seed of whole nodes the same way every time", async () => {
  for (const seed of ["3", "17", "106"]) {
    const [first, second] = [await runNodeSeed(seed, LIBRARIES), await runNodeSeed(seed, LIBRARIES)];
    expect(second).toEqual(first);
  }
});
