import { describe, expect, test } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { BicoastalError } from "../../../base/errors.ts";
import { nodeId } from "../../../base/ids.ts";
import type { SortNode } from "../../../plan/node.ts";
import type { ProducerBlocks } from "../../../plan/task.ts";
import type { BlobStore } from "../../../ports/blob-store.ts";
import { createMemoryEnvironment, mapShuffle, reduceShuffle } from "../../../sim/ports/memory-shuffle.ts";

const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const BLOCKS = 10;
const PARTITIONS = 2;
const byBytes: SortNode = { kind: "sort", input, by: "record", descending: false, partitions: PARTITIONS };
const byCollation: SortNode = {
  ...byBytes,
  collation: { locale: "en", numeric: false, sensitivity: "variant" },
};

/** Blocks of another node, of which each open and each fetch takes some turns. */
async function farBlocks(sort: SortNode, fail?: string) {
  const env = createMemoryEnvironment({ codec: createMsgpackCodec(), crc32, gzip });
  const rows = Array.from({ length: BLOCKS }, (_, task) =>
    Array.from({ length: 50 }, (_, row) => (row * 7 + task * 13) % 101),
  );
  const sides = await mapShuffle({ node: sort, rows: [[rows]], partitions: PARTITIONS, env });
  const far = sides.map((side) =>
    side.map((producer): ProducerBlocks => {
      const blocks = producer.blocks.map((ref) => ({ ...ref, node: nodeId("far") }));
      return { ...producer, blocks };
    }),
  );
  const count = { asking: 0, peak: 0, open: 0 };
  const ask = async (): Promise<void> => {
    count.peak = Math.max(count.peak, ++count.asking);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    count.asking--;
  };
  const blobs: BlobStore = {
    ...env.blobs,
    async open(key) {
      await ask();
      if (key === fail) throw new BicoastalError("BLOB_MISSING", "gone", { details: { key } });
      const reader = await env.blobs.open(key);
      count.open++;
      return {
        bytes: reader.bytes,
        prepare: async (ranges) => {
          await ask();
          await reader.prepare(ranges);
        },
        readAt: (position, target) => reader.readAt(position, target),
        close: () => {
          count.open--;
          reader.close();
        },
      };
    },
  };
  const read = () =>
    reduceShuffle({ node: sort, sides: far, partitions: PARTITIONS, env: { ...env, blobs } });
  const keys = far.flat().flatMap(({ blocks }) => blocks.map(({ key }) => key));
  return { read, rows: rows.flat(), keys, count };
}

describe.each([
  ["a sort", byBytes],
  ["a sort by a collation", byCollation],
])("blocks of another node that %s reads", (_, sort) => {
  test("are asked for a few at a time, and closed", async () => {
    const { read, rows, count } = await farBlocks(sort);
    expect((await read()).flat()).toEqual(rows.sort((a, b) => a - b));
    expect(count).toEqual({ asking: 0, peak: 4, open: 0 });
  });

  test("of which one is missing: the others are closed, and nothing is asked for any more", async () => {
    const all = await farBlocks(sort);
    const { read, keys, count } = await farBlocks(sort, all.keys[5]);
    await expect(read()).rejects.toMatchObject({ code: "BLOB_MISSING", details: { key: keys[5] } });
    expect(count).toMatchObject({ asking: 0, open: 0 });
  });
});
