/**
 * The reduce side of a sort by a collation: the range of this partition out of every sorted run of every block, merged.
 *
 * The runs stay in their blocks and are read as the merge goes. Where there are more than may be open at a time,
 * neighbours are first merged into runs on scratch, which keeps the order of equal keys: producer, partition, run,
 * row.
 */
import type { SortNode } from "../../../plan/node.ts";
import type { BlockRef } from "../../../plan/task.ts";
import type { Batch, BatchInput } from "../../batch.ts";
import type { EngineEnvironment } from "../../environment.ts";
import { allEnded, BLOCKS_FETCHED_MAX } from "../block/all-ended.ts";
import { BlockReader } from "../block/block-reader.ts";
import { FRAME_BYTES } from "../block/frame-buffer.ts";
import { BatchRows, GeneratedInput, type Reduction } from "../generated-input.ts";
import { type Cursor, FrameCursor } from "../runs/cursor.ts";
import { type KeyOrder, MergeCursor } from "../runs/merge.ts";
import { fanInFor, RunStore } from "../runs/runs.ts";
import type { ReadMeter, ShuffleRequest } from "../shuffle-request.ts";
import {
  type BlockRun,
  type KeyRange,
  type KeySample,
  rangeOf,
  readRuns,
  within,
} from "./collated-ranges.ts";
import { LIST_MARKS } from "./collated-sink.ts";
import { sortOrder } from "./sort-order.ts";

export function openCollatedSort(request: ShuffleRequest<SortNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(() => new SortReduction(request, meter).start(), meter);
}

class SortReduction {
  readonly #request: ShuffleRequest<SortNode>;
  readonly #meter: ReadMeter;
  readonly #order: KeyOrder;
  readonly #scratch: RunStore;
  readonly #open: BlockReader[] = [];

  constructor(request: ShuffleRequest<SortNode>, meter: ReadMeter) {
    this.#request = request;
    this.#meter = meter;
    this.#order = sortOrder(request.node.descending, request.node.collation);
    this.#scratch = new RunStore({ ...request, order: this.#order });
  }

  async start(): Promise<Reduction> {
    try {
      return { batches: valueBatches(await this.#rows()), dispose: () => this.#dispose() };
    } catch (error) {
      this.#dispose();
      throw error;
    }
  }

  async #rows(): Promise<Cursor> {
    const { runs, range } = await this.#findRuns();
    const fanIn = fanInFor(this.#request.memoryBytes, FRAME_BYTES);
    if (runs.length <= fanIn) return this.#mergeBlocks(runs, range);
    for (let first = 0; first < runs.length; first += fanIn) {
      this.#scratch.spill(await this.#mergeBlocks(runs.slice(first, first + fanIn), range));
      this.#closeBlocks();
    }
    return this.#scratch.merged();
  }

  /** Of all blocks, the runs that have something of this partition's range. */
  async #findRuns(): Promise<{ runs: readonly BlockRun[]; range: KeyRange }> {
    const { sides, env, partition, partitions, checkpoint, breathe } = this.#request;
    const samples: KeySample[] = [];
    const runs: BlockRun[] = [];
    const places = sides.flat().flatMap(({ sink, blocks }) => blocks.map((ref) => ({ sink, ref })));
    for (let first = 0; first < places.length; first += BLOCKS_FETCHED_MAX) {
      const some = places.slice(first, first + BLOCKS_FETCHED_MAX);
      const blocks = new Map<(typeof some)[number], BlockReader>();
      await allEnded(some, async (place) => {
        const block = await this.#openBlock(place.ref, env);
        blocks.set(place, block);
        await block.prepare(block.frames(place.sink, LIST_MARKS));
      });
      for (const place of some)
        runs.push(...readRuns(blocks.get(place) as BlockReader, place.ref, place.sink, samples));
      this.#closeBlocks();
      checkpoint?.();
      if (breathe !== undefined) await breathe();
    }
    const range = rangeOf(samples, this.#order, partition, partitions);
    const inRange = runs.map((run) => within(run, range, this.#order)).filter((run) => run !== undefined);
    return { runs: inRange, range };
  }

  async #mergeBlocks(runs: readonly BlockRun[], range: KeyRange): Promise<Cursor> {
    const blocks = await this.#openAll(runs);
    const cursors: Cursor[] = [];
    for (const run of runs) {
      const block = blocks.get(run.ref.key) as BlockReader;
      const rows = new FrameCursor(run.frames, (extent) => {
        this.#request.checkpoint?.();
        this.#meter.bytes += extent.bytes;
        return block.read(extent);
      });
      cursors.push(new RangeCursor(rows, range, this.#order));
    }
    return new MergeCursor(cursors, this.#order);
  }

  /** The blocks of these runs, by key, with all that the runs need of them. */
  async #openAll(runs: readonly BlockRun[]): Promise<ReadonlyMap<string, BlockReader>> {
    const byBlock = new Map<string, BlockRun[]>();
    for (const run of runs) {
      const known = byBlock.get(run.ref.key);
      if (known === undefined) byBlock.set(run.ref.key, [run]);
      else known.push(run);
    }
    const opened = new Map<string, BlockReader>();
    const groups = [...byBlock.values()];
    for (let first = 0; first < groups.length; first += BLOCKS_FETCHED_MAX) {
      await allEnded(groups.slice(first, first + BLOCKS_FETCHED_MAX), async (some) => {
        const { ref } = some[0] as BlockRun;
        const block = await this.#openBlock(ref, this.#request.env);
        opened.set(ref.key, block);
        await block.prepare(some.flatMap(({ frames }) => frames));
      });
    }
    return opened;
  }

  async #openBlock(ref: BlockRef, env: EngineEnvironment): Promise<BlockReader> {
    const block = await BlockReader.open(ref, env);
    this.#open.push(block);
    return block;
  }

  #closeBlocks(): void {
    for (const block of this.#open.splice(0)) block.close();
  }

  #dispose(): void {
    this.#closeBlocks();
    this.#scratch.dispose();
  }
}

/** Only the rows of a sorted cursor that are in the range. */
class RangeCursor implements Cursor {
  readonly #rows: Cursor;
  readonly #range: KeyRange;
  readonly #order: KeyOrder;
  #inside = false;

  constructor(rows: Cursor, range: KeyRange, order: KeyOrder) {
    this.#rows = rows;
    this.#range = range;
    this.#order = order;
  }

  get key(): unknown {
    return this.#rows.key;
  }

  get value(): unknown {
    return this.#rows.value;
  }

  next(): boolean {
    const { from, to } = this.#range;
    let more = this.#rows.next();
    if (!this.#inside) {
      while (more && from !== undefined && this.#order(this.#rows.key, from.key) < 0)
        more = this.#rows.next();
      this.#inside = true;
    }
    return more && (to === undefined || this.#order(this.#rows.key, to.key) < 0);
  }
}

function* valueBatches(rows: Cursor): Generator<Batch, void> {
  const batch = new BatchRows();
  while (rows.next()) {
    batch.push(rows.value);
    if (batch.isFull) {
      yield batch.batch();
      batch.clear();
    }
  }
  if (batch.rows.length > 0) yield batch.batch();
}
