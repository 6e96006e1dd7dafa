/** A process goes down at each place at which it can, one run for each; and at two of them. */
import { describe, expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { Prng } from "../../base/prng.ts";
import { runNodeSeed } from "./run-node-seed.ts";
import { runSeed } from "./run-seed.ts";

const LIBRARIES = { codec: createMsgpackCodec(), crc32, gzip };
/** Of one place, which a run may pass very often: the first so many times. */
const TIMES_MAX = 12;
const PAIRS = 60;
const WORLDS = [
  { world: "job", run: runSeed, seeds: ["1", "2", "4"] },
  { world: "nodes", run: runNodeSeed, seeds: ["3"] },
] as const;

/** What goes wrong where processes go down at these points, and nothing else happens. */
async function crash(
  { world, run }: (typeof WORLDS)[number],
  seed: string,
  crashAt: readonly string[],
): Promise<readonly string[]> {
  const { problems, faults } = await run(seed, LIBRARIES, { calm: true, crashAt });
  const found = problems.map((problem) => `${world} ${seed}, down at ${crashAt.join(" and ")}: ${problem}`);
  // The second of two may never come, as the first changes all that follows it.
  if (crashAt.length === 1 && faults.get("crash") !== 1)
    found.push(`${world} ${seed} did not crash at ${crashAt}`);
  return found;
}

async function pointsOf({ run }: (typeof WORLDS)[number], seed: string): Promise<readonly string[]> {
  const { points, problems } = await run(seed, LIBRARIES, { calm: true, listPoints: true });
  expect(problems).toEqual([]);
  return points.filter((point) => Number(point.slice(point.lastIndexOf("#") + 1)) < TIMES_MAX);
}

describe.each(WORLDS)("in the world of $world", (world) => {
  test("a crash at any one point is survived", async () => {
    const problems: string[] = [];
    for (const seed of world.seeds) {
      const points = await pointsOf(world, seed);
      expect(points.length).toBeGreaterThan(20);
      for (const point of points) problems.push(...(await crash(world, seed, [point])));
    }
    expect(problems).toEqual([]);
  });

  test("crashes at any two points are survived", async () => {
    const problems: string[] = [];
    const random = new Prng("pairs");
    for (const seed of world.seeds) {
      const points = await pointsOf(world, seed);
      for (let pair = 0; pair < PAIRS / world.seeds.length; pair++)
        problems.push(...(await crash(world, seed, [random.pick(points), random.pick(points)])));
    }
    expect(problems).toEqual([]);
  });
});
