import { describe, expect, it } from "vitest";
import { createMsgpackCodec } from "../../../adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../../../adapters/codec/zlib.ts";
import { type NodeId, nodeId, stageId } from "../../../base/ids.ts";
import type { BlockRef, ProducerBlocks } from "../../../plan/task.ts";
import type { BlobStore } from "../../../ports/blob-store.ts";
import { createMemoryEnvironment } from "../../../sim/ports/memory-shuffle.ts";
import { BlockWriter } from "./block-writer.ts";
import { BlocksAhead } from "./blocks-ahead.ts";

const SINK = 2;
const PARTITION = 1;

/**
 * Blocks one after the other, and how many of them are open; those of other nodes take some turns to open.
 * @param saidBytes How long they are said to be; default: as long as they are.
 */
async function blocksOf(nodes: readonly (NodeId | undefined)[], saidBytes?: number) {
  const env = createMemoryEnvironment({ codec: createMsgpackCodec(), crc32, gzip });
  const refs: BlockRef[] = [];
  for (const [index, node] of nodes.entries()) {
    const writer = new BlockWriter({ ...env, key: `blocks/${index}` });
    writer.append(SINK, PARTITION, undefined, [index]);
    const ref = (await writer.finish())!;
    refs.push(node === undefined ? ref : { ...ref, node });
  }
  const count = { open: 0, peak: 0 };
  const asked: (NodeId | undefined)[] = [];
  const blobs: BlobStore = {
    ...env.blobs,
    async open(key, at) {
      asked.push(at);
      count.open++;
      count.peak = Math.max(count.peak, count.open);
      if (at !== undefined) await new Promise((resolve) => setImmediate(resolve));
      try {
        const reader = await env.blobs.open(key);
        return { ...reader, close: () => void count.open-- };
      } catch (error) {
        count.open--;
        throw error;
      }
    },
  };
  const producers: ProducerBlocks[] = [{ stage: stageId(0), sink: SINK, blocks: refs }];
  const said = producers.map(({ blocks, ...rest }) => ({
    ...rest,
    blocks: blocks.map((ref) => ({ ...ref, bytes: saidBytes ?? ref.bytes })),
  }));
  const ahead = new BlocksAhead(said, PARTITION, { ...env, blobs });
  return { ahead, count, asked, lose: (index: number) => env.blobs.blobs.delete(`blocks/${index}`) };
}

async function readAll(ahead: BlocksAhead): Promise<unknown[]> {
  const values: unknown[] = [];
  for (let opening = ahead.next(); opening !== undefined; opening = ahead.next()) {
    const { block, extents } = await opening;
    for (const extent of extents) values.push(...block.read(extent).values);
    block.close();
  }
  return values;
}

const far = nodeId("far");
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const ten = numbers(10);

describe("blocks ahead", () => {
  it("come in order, those of other nodes a few at a time", async () => {
    const { ahead, count, asked } = await blocksOf(numbers(40).map(() => far));
    expect(await readAll(ahead)).toEqual(numbers(40));
    expect(count).toEqual({ open: 0, peak: 17 });
    expect(asked).toEqual(numbers(40).map(() => far));
  });

  it.each([
    [1, 17],
    [8, 9],
    [16, 5],
    [64, 5],
    [1000, 5],
  ])("of %i MiB are %i at a time", async (mebibytes, peak) => {
    const { ahead, count } = await blocksOf(
      numbers(40).map(() => far),
      mebibytes * 2 ** 20,
    );
    // Opened as far as they are at a time: blocks that are not as long as it was said cannot be read.
    await expect(ahead.next()).rejects.toMatchObject({ code: "BLOB_CORRUPT" });
    expect(count.peak).toBe(peak);
    for (let turns = 0; turns < 5; turns++) await expect(ahead.next()).rejects.toThrow();
    await ahead.close();
    expect(count).toEqual({ open: 0, peak });
  });

  it("are one at a time where they are this node's", async () => {
    const { ahead, count } = await blocksOf(ten.map(() => undefined));
    expect(await readAll(ahead)).toEqual(ten);
    expect(count).toEqual({ open: 0, peak: 1 });
  });

  it("come in order from here and there", async () => {
    const { ahead, count } = await blocksOf(ten.map((index) => (index % 3 === 0 ? undefined : far)));
    expect(await readAll(ahead)).toEqual(ten);
    expect(count.open).toBe(0);
  });

  it("fail in their turn", async () => {
    const { ahead, count, lose } = await blocksOf(ten.map(() => far));
    lose(2);
    lose(3);
    (await ahead.next()!).block.close();
    (await ahead.next()!).block.close();
    await expect(ahead.next()).rejects.toMatchObject({ code: "BLOB_MISSING", details: { key: "blocks/2" } });
    await ahead.close();
    expect(count.open).toBe(0);
  });

  it("are closed where nobody reads on", async () => {
    const { ahead, count } = await blocksOf(ten.map(() => far));
    (await ahead.next()!).block.close();
    await ahead.close();
    expect(count.open).toBe(0);
  });
});
