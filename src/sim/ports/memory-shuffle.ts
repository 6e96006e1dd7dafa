/** One shuffle from end to end, in memory: rows through the sinks of map tasks into blocks, and out of the readers. */
import { assert } from "../../base/assert.ts";
import { stageId } from "../../base/ids.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import { BlockWriter } from "../../engine/shuffle/block/block-writer.ts";
import { createShuffleSink } from "../../engine/shuffle/create-sink.ts";
import { openShuffle } from "../../engine/shuffle/open-shuffle.ts";
import type { KeyedSink, RowSink } from "../../engine/shuffle/sink.ts";
import type { WideNode } from "../../plan/node.ts";
import type { BlockRef, ProducerBlocks } from "../../plan/task.ts";
import type { Crc32, Gzip, ValueCodec } from "../../ports/codec.ts";
import type { Lz4 } from "../../ports/lz4.ts";
import { createMemoryBlobs, type MemoryBlobs } from "./memory-blobs.ts";
import { MemoryInputs } from "./memory-inputs.ts";
import { MemoryOutputs } from "./memory-outputs.ts";
import { createMemoryScratch, type MemoryScratch } from "./memory-scratch.ts";

export interface Codecs {
  readonly codec: ValueCodec;
  readonly crc32: Crc32;
  readonly gzip: Gzip;
  readonly lz4?: Lz4;
  readonly compressBlocks?: boolean;
}

export interface MemoryEnvironment extends EngineEnvironment {
  readonly blobs: MemoryBlobs;
  readonly scratch: MemoryScratch;
}

export function createMemoryEnvironment(codecs: Codecs): MemoryEnvironment {
  return {
    ...codecs,
    inputs: new MemoryInputs(),
    outputs: new MemoryOutputs(),
    blobs: createMemoryBlobs(),
    scratch: createMemoryScratch(),
  };
}

/** For each side, for each producer, for each of its tasks: the records that reach the sink. */
export type ShuffleRows = readonly (readonly (readonly (readonly unknown[])[])[])[];

/** Where sinks are among those of their stage: not the first, so that a mixed-up index shows. */
const SINK_INDEX = 3;
export const MEMORY_BYTES = 64 * 1024 * 1024;

export interface MapRequest {
  readonly node: WideNode;
  readonly rows: ShuffleRows;
  readonly partitions: number;
  readonly env: EngineEnvironment;
  readonly memoryBytes?: number;
}

/** Runs the map tasks. */
export async function mapShuffle(request: MapRequest): Promise<ProducerBlocks[][]> {
  const sides: ProducerBlocks[][] = [];
  for (const [side, producers] of request.rows.entries()) {
    const made: ProducerBlocks[] = [];
    for (const [producer, tasks] of producers.entries()) {
      const blocks: BlockRef[] = [];
      for (const [task, rows] of tasks.entries()) {
        const key = `blocks/${side}.${producer}.${task}`;
        const block = await mapTask(request, side === 0 ? 0 : 1, task, rows, key);
        if (block !== undefined) blocks.push(block);
      }
      made.push({ stage: stageId(producer), sink: SINK_INDEX, blocks });
    }
    sides.push(made);
  }
  return sides;
}

async function mapTask(
  { node, partitions, env, memoryBytes = MEMORY_BYTES }: MapRequest,
  side: 0 | 1,
  task: number,
  rows: readonly unknown[],
  key: string,
): Promise<BlockRef | undefined> {
  const { blobs, codec, crc32, lz4, compressBlocks } = env;
  const compressWith = compressBlocks ? lz4 : undefined;
  const block = new BlockWriter({ blobs, codec, crc32, key, compressWith });
  const sink = createShuffleSink({
    sink: { kind: "shuffle", shuffle: node, side },
    sinkIndex: SINK_INDEX,
    partitions,
    block,
    env,
    memoryBytes,
    taskPartition: task,
  });
  for (const row of rows) give(sink, node, row);
  sink.finish();
  return block.finish();
}

/** What a stage's loop does with a record. */
function give(sink: KeyedSink | RowSink, node: WideNode, row: unknown): void {
  if ("push" in sink) return sink.push(row);
  switch (node.kind) {
    case "sort":
    case "top":
      if (node.by === "record") return sink.add(row, null);
      return sink.add((node.by as (row: unknown) => unknown)(row), row);
    case "cogroup":
    case "join":
      return addPair(sink, row);
    case "aggregate":
      if (node.key === "record") return sink.add(row, null);
      if (node.key === "all") return sink.add(undefined, row);
      break;
    case "group":
      break;
    default:
      assert(false, "repartition has no keys");
  }
  if (node.key === "pair") addPair(sink, row);
  else sink.add((node.key as (row: unknown) => unknown)(row), row);
}

function addPair(sink: KeyedSink, row: unknown): void {
  const [key, value] = row as readonly [unknown, unknown];
  sink.add(key, value);
}

export interface ReduceRequest {
  readonly node: WideNode;
  readonly sides: readonly (readonly ProducerBlocks[])[];
  readonly partitions: number;
  readonly env: EngineEnvironment;
  readonly memoryBytes?: number;
  /** What to keep of a record, while it is there. Default: the record with every iterable in it as an array. */
  readonly keep?: (row: unknown) => unknown;
}

/** Runs the reduce tasks; gives what they read, by partition. */
export async function reduceShuffle(request: ReduceRequest): Promise<unknown[][]> {
  const { node, sides, partitions, env, memoryBytes = MEMORY_BYTES, keep = copied } = request;
  const results: unknown[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const input = await openShuffle({ node, partition, partitions, sides, env, memoryBytes });
    const rows: unknown[] = [];
    try {
      for (let batch = await input.next(); batch !== undefined; batch = await input.next()) {
        assert(batch.count > 0, "a batch is never empty");
        for (let i = 0; i < batch.count; i++) rows.push(keep(batch.rows[i]));
      }
      assert((await input.next()) === undefined, "an input that has ended stays so");
    } finally {
      input.close();
    }
    results.push(rows);
  }
  return results;
}

/** Both, with an environment of its own. */
export async function runShuffle(
  request: Omit<MapRequest, "env"> & Pick<ReduceRequest, "keep"> & { readonly codecs: Codecs },
): Promise<{ readonly results: unknown[][]; readonly env: MemoryEnvironment }> {
  const env = createMemoryEnvironment(request.codecs);
  const sides = await mapShuffle({ ...request, env });
  const results = await reduceShuffle({ ...request, sides, env });
  assert(env.scratch.filesOpen === 0, "a task leaves no scratch behind");
  return { results, env };
}

/** Streams become arrays: they can be read only now. */
function copied(row: unknown): unknown {
  if (typeof row !== "object" || row === null || ArrayBuffer.isView(row)) return row;
  if (Array.isArray(row)) return row.map(copied);
  return Symbol.iterator in row ? [...(row as Iterable<unknown>)].map(copied) : row;
}
