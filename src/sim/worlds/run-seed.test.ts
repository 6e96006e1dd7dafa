import { describe, expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { changedStore } from "../check/store/changed-store.ts";
import { Tally } from "../tally.ts";
import { runSeed } from "./run-seed.ts";
import type { SeedOptions } from "./seed.ts";

const SEEDS = 300;
const LIBRARIES = { codec: createMsgpackCodec(), crc32, gzip };

describe("the simulated cluster", () => {
  test(`keeps every promise over ${SEEDS} seeds, and meets what is worth meeting`, async () => {
    const tally = new Tally("job");
    const problems: string[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      const result = await runSeed(String(seed), LIBRARIES);
      tally.add(result);
      for (const problem of result.problems)
        problems.push(`${problem}\n  replay it: npm run sim -- --world job --seed ${seed} --trace`);
    }
    expect(problems).toEqual([]);
    expect(tally.missing).toEqual([]);
  });

  test("plays a seed the same way every time", async () => {
    for (const seed of ["3", "17", "106"]) {
      const [first, second] = [await runSeed(seed, LIBRARIES), await runSeed(seed, LIBRARIES)];
      expect(second).toEqual(first);
    }
  });
});

describe("the checks notice", () => {
  const SEEDS_TO_NOTICE = 600;

  /** What goes wrong in the first seed in which anything does. */
  async function firstProblems(
    libraries: typeof LIBRARIES,
    options: SeedOptions,
  ): Promise<readonly string[]> {
    for (let seed = 0; seed < SEEDS_TO_NOTICE; seed++) {
      const { problems } = await runSeed(String(seed), libraries, options);
      if (problems.length > 0) return problems;
    }
    return [];
  }

  test("a store that does not compare: two drivers write one log", async () => {
    const breakStore = (store: ControlStore): ControlStore =>
      changedStore(store, { txn: (request) => store.txn({ ...request, compare: [] }) });
    const problems = await firstProblems(LIBRARIES, { breakStore });
    expect(problems.join("\n")).toMatch(/^S10: /m);
  });

  test("checksums that never differ: damaged bytes become rows", async () => {
    expect(await firstProblems({ ...LIBRARIES, crc32: () => 0 }, {})).not.toEqual([]);
  });
});
