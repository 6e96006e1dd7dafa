import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import type { AggregateNode } from "../../../plan/node.ts";
import { createMemoryEnvironment, mapShuffle } from "../../../sim/ports/memory-shuffle.ts";
import { BlockWriter } from "../block/block-writer.ts";
import { createShuffleSink } from "../create-sink.ts";
import type { KeyedSink } from "../sink.ts";

const codecs = { codec: createMsgpackCodec(), crc32, gzip };
const PARTITIONS = 3;

type Rows = readonly (readonly [unknown, unknown])[];

const join = (a: unknown, b: unknown): unknown =>
  typeof a === "number" && typeof b === "number" ? a * 3 + b : `${a}/${b}`;

/** A node of its own, for which no task ran before. */
const newNode = (counts: boolean): AggregateNode => ({
  kind: "aggregate",
  input: { kind: "source", source: { format: "of", values: [], partitions: undefined } },
  key: "pair",
  aggregator: counts
    ? "count"
    : { init: (value: unknown) => value, add: join, merge: join, finish: undefined },
  emit: "pair",
  empty: undefined,
  partitions: undefined,
});

/** As text, which is compared a hundred times as fast as arrays are. */
const bytesOf = (block: Uint8Array): string => Buffer.from(block).toString("latin1");

/** Each task's block. */
async function blocksOf(node: AggregateNode, tasks: readonly Rows[]): Promise<string[]> {
  const env = createMemoryEnvironment(codecs);
  const [producers] = await mapShuffle({ node, rows: [[tasks]], partitions: PARTITIONS, env });
  return producers![0]!.blocks.map(({ key }) => bytesOf(env.blobs.blobs.get(key)!));
}

const text = fc.oneof(
  fc.nat(60).map((id) => `k${id}`),
  fc.nat(9).map((id) => `${id} of sixteen bytes`.slice(0, 16)),
  fc.nat(9).map((id) => `${id} of more than sixteen bytes`),
  fc.constantFrom("é", "語", ""),
);
const key = fc.oneof({ weight: 4, arbitrary: text }, fc.nat(9), fc.constantFrom(0.5, -0, null, true));
const value = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -99, max: 99 }) },
  fc.constantFrom("a", 0.25),
);
const few = fc.array(fc.tuple(key, value), { maxLength: 60 });
/** Grows the table some times. */
const many = fc
  .integer({ min: 400, max: 1500 })
  .map((count): Rows => Array.from({ length: count }, (_, i) => [i % 3 === 0 ? `many keys ${i}` : i * 7, i]));
const rows: fc.Arbitrary<Rows> = fc.oneof({ weight: 4, arbitrary: few }, many);

describe("the blocks of an aggregation", () => {
  it("are the same whatever tasks of it ran before in the thread", async () => {
    const tasks = fc.array(rows, { minLength: 2, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(tasks, fc.boolean(), async (given, counts) => {
        const alone: string[] = [];
        for (const task of given) alone.push(...(await blocksOf(newNode(counts), [task])));
        expect(await blocksOf(newNode(counts), given)).toEqual(alone);
      }),
      { numRuns: 60 },
    );
  });

  it("are each a task's own where tasks run side by side", async () => {
    await fc.assert(
      fc.asyncProperty(rows, rows, rows, async (before, left, right) => {
        const node = newNode(false);
        await blocksOf(node, [before]);
        const env = createMemoryEnvironment(codecs);
        const open = (key: string): [KeyedSink, BlockWriter] => {
          const block = new BlockWriter({ ...env, key });
          const sink = { kind: "shuffle", shuffle: node, side: 0 } as const;
          const options = { sink, sinkIndex: 3, partitions: PARTITIONS, block, env, memoryBytes: 1 };
          return [createShuffleSink(options) as KeyedSink, block];
        };
        const [first, second] = [open("blocks/first"), open("blocks/second")];
        for (let i = 0; i < Math.max(left.length, right.length); i++) {
          if (left[i] !== undefined) first[0].add(...left[i]!);
          if (right[i] !== undefined) second[0].add(...right[i]!);
        }
        const made: (string | undefined)[] = [];
        for (const [sink, block] of [first, second]) {
          sink.finish();
          const ref = block.isEmpty ? undefined : await block.finish();
          made.push(ref === undefined ? undefined : bytesOf(env.blobs.blobs.get(ref.key)!));
        }
        expect(made[0]).toEqual((await blocksOf(newNode(false), [left]))[0]);
        expect(made[1]).toEqual((await blocksOf(newNode(false), [right]))[0]);
      }),
      { numRuns: 40 },
    );
  });
});
