import { expect, test } from "vitest";
import { createMsgpackCodec } from "../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../adapters/codec/zlib.ts";
import { runNodeSeed } from "../worlds/run-node-seed.ts";
import { ASKED_PER_NODE, quietProblems } from "./quiet.ts";

test("a cluster that never saw a fault asks the store as often as all others are held to", async () => {
  for (const seed of ["1", "2", "3"]) {
    const told: string[] = [];
    const libraries = { codec: createMsgpackCodec(), crc32, gzip };
    const { problems } = await runNodeSeed(seed, libraries, { calm: true, print: (line) => told.push(line) });
    expect(problems).toEqual([]);
    const [asked] = told.flatMap((line) => /each node asks the store ([\d.]+) times/.exec(line)?.[1] ?? []);
    expect(Math.abs(Number(asked) - ASKED_PER_NODE)).toBeLessThanOrEqual(2);
  }
});

test("a fifth more is the limit", () => {
  expect(quietProblems(1.19 * ASKED_PER_NODE)).toEqual([]);
  expect(quietProblems(1.21 * ASKED_PER_NODE)).toEqual([expect.stringContaining("L18")]);
});
