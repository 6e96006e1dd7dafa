import type { WideNode } from "../../plan/node.ts";
import type { ProducerBlocks } from "../../plan/task.ts";
import type { EngineEnvironment } from "../environment.ts";
import { blockCorrupt } from "./block/block-format.ts";
import type { BlockReader } from "./block/block-reader.ts";
import { BlocksAhead, type ReadyBlock, type WantedPartitions } from "./block/blocks-ahead.ts";
import type { Column } from "./block/column.ts";
import type { OwnStrings } from "./block/column-decode.ts";
import type { FrameColumns, FrameExtent, FrameRows, NestedColumns } from "./block/frame.ts";

/** What a task behind a shuffle reads. */
export interface ShuffleRequest<Node extends WideNode = WideNode> {
  readonly node: Node;
  /** Of this task. */
  readonly partition: number;
  /** Of its stage. */
  readonly partitions: number;
  /** One list of producers for most, two for cogroup and join. */
  readonly sides: readonly (readonly ProducerBlocks[])[];
  readonly env: EngineEnvironment;
  /** For everything that is held of the data at a time, but for one key's accumulator. */
  readonly memoryBytes: number;
  /**
   * Called for every frame that is read or written: taking and merging what a task reads can take long, and no batch
   * comes out of it meanwhile. May throw to end the task.
   */
  readonly checkpoint?: (() => void) | undefined;
  /** Gives the event loop a turn. */
  readonly breathe?: (() => Promise<void> | undefined) | undefined;
  /** Whether batches may hold texts as bytes instead of rows; only a sort gives them so. Default false. */
  readonly asText?: boolean | undefined;
}

/** Counts what was read, as stored. */
export interface ReadMeter {
  bytes: number;
}

/**
 * Opens one block after the other in the order of producers and their partitions, and gives the frames of this
 * partition one by one. Never has more than one block of this node open, and few of others.
 */
export function framesOf(
  producers: readonly ProducerBlocks[],
  partition: number,
  env: EngineEnvironment,
  meter: ReadMeter,
  own: OwnStrings,
): AsyncGenerator<FrameRows, void, undefined> {
  return readFrames(producers, partition, env, meter, (block, extent) => block.read(extent, own));
}

/** A frame of rows with keys. */
export interface PairColumns extends NestedColumns {
  readonly keys: Column;
}

/**
 * As `framesOf`, of rows with keys, in columns; texts among their values are safe to keep.
 * @param onBlock Called for each block while it is open.
 */
export function nestedFramesOf(
  producers: readonly ProducerBlocks[],
  wanted: WantedPartitions,
  env: EngineEnvironment,
  meter: ReadMeter,
  onBlock?: (ready: ReadyBlock) => void,
): AsyncGenerator<PairColumns, void, undefined> {
  return readFrames(producers, wanted, env, meter, readPairs, onBlock);
}

/** A frame without keys may be whole, and is not what a map task wrote for this. */
function readPairs(block: BlockReader, extent: FrameExtent): PairColumns {
  const frame = block.readNested(extent, "all");
  const { keys } = frame;
  if (keys !== undefined) return { ...frame, keys };
  throw blockCorrupt(block.key, `the frame at byte ${extent.offset} cannot be read, its rows have no keys`);
}

async function* readFrames<T>(
  producers: readonly ProducerBlocks[],
  wanted: WantedPartitions,
  env: EngineEnvironment,
  meter: ReadMeter,
  read: (block: BlockReader, extent: FrameExtent) => T,
  onBlock?: (ready: ReadyBlock) => void,
): AsyncGenerator<T, void, undefined> {
  const blocks = new BlocksAhead(producers, wanted, env);
  try {
    for (let opening = blocks.next(); opening !== undefined; opening = blocks.next()) {
      const ready = await opening;
      const { block, extents } = ready;
      try {
        onBlock?.(ready);
        for (const extent of extents) {
          yield read(block, extent);
          meter.bytes += extent.bytes;
        }
      } finally {
        block.close();
      }
    }
  } finally {
    await blocks.close();
  }
}

/** As `framesOf`, giving each row to `onPair`, which sees to strings that are keys or values themselves. */
export async function takePairs(
  producers: readonly ProducerBlocks[],
  request: TakeRequest,
  meter: ReadMeter,
  onPair: (key: unknown, value: unknown) => void,
): Promise<void> {
  const { partition, env } = request;
  await takeEach(framesOf(producers, partition, env, meter, "nested"), request, ({ keys, values }) => {
    for (let row = 0; row < values.length; row++) onPair(keys[row], values[row]);
  });
}

/**
 * As `takePairs`, frame by frame, in columns.
 * @param onBlock Called before the first frame of each block with the rows that it has here.
 */
export async function takeColumns(
  producers: readonly ProducerBlocks[],
  request: TakeRequest,
  meter: ReadMeter,
  onColumns: (columns: FrameColumns) => void,
  onBlock: (rows: number) => void = () => {},
): Promise<void> {
  const { partition, env } = request;
  const read = (block: BlockReader, extent: FrameExtent) => block.readColumns(extent, "nested");
  const frames = readFrames(producers, partition, env, meter, read, ({ extents }) =>
    onBlock(extents.reduce((sum, { rows }) => sum + rows, 0)),
  );
  await takeEach(frames, request, onColumns);
}

type TakeRequest = Pick<ShuffleRequest, "partition" | "env" | "checkpoint" | "breathe">;

async function takeEach<T>(
  frames: AsyncIterable<T>,
  { checkpoint, breathe }: TakeRequest,
  onFrame: (frame: T) => void,
): Promise<void> {
  for await (const frame of frames) {
    onFrame(frame);
    checkpoint?.();
    if (breathe !== undefined) await breathe();
  }
}
