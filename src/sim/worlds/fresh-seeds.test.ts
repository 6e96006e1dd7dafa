import { describe, expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { runNodeSeed } from "./run-node-seed.ts";
import { runSeed } from "./run-seed.ts";

const SEEDS = 50;
const LIBRARIES = { codec: createMsgpackCodec(), crc32, gzip };
/** `npm test` gives the same to all who test the same files. */
const STAMP = process.env.BICOASTAL_TEST_SEEDS ?? Date.now().toString(36);

// Storms that nobody has met before are for the nights: what they find is no fault of the change at hand.
describe("seeds that nobody has played before", () => {
  test.each([
    ["job", runSeed],
    ["nodes", runNodeSeed],
  ])("the world %s keeps every promise", async (world, run) => {
    const problems: string[] = [];
    for (let index = 0; index < SEEDS; index++) {
      const seed = `${STAMP}-${index}`;
      const result = await run(seed, LIBRARIES, { noStorms: true });
      for (const problem of result.problems)
        problems.push(
          `${problem}\n  replay it: npm run sim -- --world ${world} --seed ${seed} --no-storms --trace`,
        );
    }
    expect(problems).toEqual([]);
  });
});
