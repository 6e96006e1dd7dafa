/**
 * The reduce side of an aggregation: partial results of the map tasks become one result a key.
 *
 * Partials of a key are merged strictly in the order in which they arrive, whatever the memory: the table merges as
 * they come; when it is full it becomes the first run on scratch, and everything after it is kept unmerged, sorted
 * stably, and merged when the runs are read. So sums of floating-point numbers are the same to the last bit for
 * every budget. Counts are exact in any order and are merged as early as possible: each full table is a run.
 */
import { compareKeys, sameKey } from "../../../base/compare.ts";
import type { AggregateNode, Aggregator, UserFunction } from "../../../plan/node.ts";
import type { Batch, BatchInput } from "../../batch.ts";
import type { FrameColumns } from "../block/frame.ts";
import { BatchRows, GeneratedInput, type Reduction } from "../generated-input.ts";
import { GroupSorter } from "../group/group-sorter.ts";
import { owned } from "../own-string.ts";
import type { Cursor } from "../runs/cursor.ts";
import { MergeCursor } from "../runs/merge.ts";
import { RunStore } from "../runs/runs.ts";
import { type ReadMeter, type ShuffleRequest, takeColumns } from "../shuffle-request.ts";
import { AggregateTable } from "./aggregate-table.ts";
import { MergedCounts } from "./merged-counts.ts";
import { countLoop, mergeLoopOf, PartialFrame } from "./partial-frame.ts";
import { sortedEntries } from "./sorted-entries.ts";

export function openAggregate(request: ShuffleRequest<AggregateNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const aggregation = request.node.aggregator === "count" ? new Counting(request) : new Folding(request);
    try {
      for (const side of request.sides) {
        await takeColumns(
          side,
          request,
          meter,
          (columns) => aggregation.take(columns),
          (rows) => aggregation.expect(rows),
        );
      }
      return reductionOf(aggregation, request.node);
    } catch (error) {
      aggregation.dispose();
      throw error;
    }
  }, meter);
}

interface Aggregation {
  /**
   * What comes next are so many rows of one block: about as many keys, as its task combined them. The first block's
   * tell how large the table will be, as tasks are much alike; the rows of all of them, which have most keys in
   * common, would make it many times too large for the processor's caches.
   */
  expect(rows: number): void;
  take(columns: FrameColumns): void;
  /** One row a key, in key order. */
  results(): Cursor;
  dispose(): void;
}

class Folding implements Aggregation {
  readonly #request: ShuffleRequest<AggregateNode>;
  readonly #table: AggregateTable;
  readonly #merge: UserFunction;
  #rest: GroupSorter | undefined;

  constructor(request: ShuffleRequest<AggregateNode>) {
    this.#request = request;
    this.#table = new AggregateTable(request.node.aggregator);
    this.#merge = (request.node.aggregator as Aggregator).merge;
  }

  expect(rows: number): void {
    if (this.#table.size === 0) this.#table.reserve(rows, this.#request.memoryBytes);
  }

  take(columns: FrameColumns): void {
    const frame = new PartialFrame(columns);
    if (this.#rest === undefined) {
      const { memoryBytes } = this.#request;
      while (!frame.isDone && this.#rest === undefined) {
        if (frame.mergeInto(this.#table, mergeLoopOf(this.#merge), memoryBytes)) this.#spill();
      }
    }
    const rest = this.#rest;
    if (rest !== undefined) frame.drainTo((key, partial) => rest.add(key, partial));
  }

  results(): Cursor {
    return this.#rest === undefined
      ? tableCursor(this.#table)
      : new FoldCursor(this.#rest.finish(), this.#merge as Merge);
  }

  dispose(): void {
    this.#table.clear();
    this.#rest?.dispose();
  }

  #spill(): void {
    this.#rest = new GroupSorter(this.#request);
    this.#rest.begin(tableCursor(this.#table));
    this.#table.clear();
  }
}

/** A task that reads less is over before the kernel is ready, and one with less memory has none for it. */
const MERGED_BYTES_MIN = 128 * 1024;
const MERGED_MEMORY_BYTES_MIN = 4 * 1024 * 1024;

/** Of all blocks, this task's part, about. */
function blockBytes({ sides, partitions }: ShuffleRequest<AggregateNode>): number {
  let bytes = 0;
  for (const { blocks } of sides.flat()) for (const block of blocks) bytes += block.bytes;
  return bytes / partitions;
}

class Counting implements Aggregation {
  readonly #memoryBytes: number;
  readonly #table = new AggregateTable("count");
  readonly #runs: RunStore;
  /** Takes what it can. */
  readonly #merged: MergedCounts | undefined;

  constructor(request: ShuffleRequest<AggregateNode>) {
    this.#memoryBytes = request.memoryBytes;
    this.#runs = new RunStore({ ...request, order: compareKeys });
    const isWorth = blockBytes(request) >= MERGED_BYTES_MIN && request.memoryBytes >= MERGED_MEMORY_BYTES_MIN;
    this.#merged = isWorth ? MergedCounts.open(request.memoryBytes) : undefined;
  }

  expect(rows: number): void {
    // Where the kernel counts, few keys come here, or none.
    if (this.#merged === undefined && this.#table.size === 0) this.#table.reserve(rows, this.#memoryBytes);
  }

  take(columns: FrameColumns): void {
    if (this.#merged?.take(columns) === true) return;
    const frame = new PartialFrame(columns);
    while (!frame.isDone) {
      if (frame.mergeInto(this.#table, countLoop, this.#memoryBytes)) this.#spill();
    }
  }

  results(): Cursor {
    const merged = this.#merged === undefined || this.#merged.isEmpty ? undefined : this.#merged.results();
    if (!this.#runs.isEmpty) {
      if (merged !== undefined) this.#runs.spill(merged);
      if (this.#table.size > 0) this.#spill();
      return new FoldCursor(this.#runs.merged(), addCounts);
    }
    const table = tableCursor(this.#table);
    if (merged === undefined) return table;
    if (this.#table.size === 0) return merged;
    return new FoldCursor(new MergeCursor([merged, table], compareKeys), addCounts);
  }

  dispose(): void {
    this.#table.clear();
    this.#runs.dispose();
    this.#merged?.dispose();
  }

  #spill(): void {
    this.#runs.spill(tableCursor(this.#table));
    this.#table.clear();
  }
}

/** The rows of a table in key order; it must not change meanwhile. */
function tableCursor(table: AggregateTable): Cursor {
  const entries = sortedEntries(table.index);
  let next = 0;
  const cursor = {
    key: undefined as unknown,
    value: undefined as unknown,
    next(): boolean {
      const entry = entries[next++];
      if (entry === undefined) return false;
      cursor.key = table.index.keyOf(entry);
      cursor.value = table.accumulatorOf(entry);
      return true;
    },
  };
  return cursor;
}

const addCounts: Merge = (a, b) => (a as number) + (b as number);

type Merge = (accumulator: unknown, later: unknown) => unknown;

/** Merges neighbours with the same key. */
class FoldCursor implements Cursor {
  key: unknown = undefined;
  value: unknown = undefined;
  readonly #rows: Cursor;
  readonly #merge: Merge;
  #onRow: boolean | undefined;

  constructor(rows: Cursor, merge: Merge) {
    this.#rows = rows;
    this.#merge = merge;
  }

  next(): boolean {
    const rows = this.#rows;
    this.#onRow ??= rows.next();
    if (!this.#onRow) return false;
    this.key = owned(rows.key);
    let accumulator = owned(rows.value);
    this.#onRow = rows.next();
    while (this.#onRow && sameKey(rows.key, this.key)) {
      accumulator = this.#merge(accumulator, owned(rows.value));
      this.#onRow = rows.next();
    }
    this.value = accumulator;
    return true;
  }
}

function reductionOf(aggregation: Aggregation, node: AggregateNode): Reduction {
  return { batches: batchesOf(aggregation.results(), node), dispose: () => aggregation.dispose() };
}

function* batchesOf(results: Cursor, node: AggregateNode): Generator<Batch, void> {
  const finish = finisherOf(node);
  const { emit } = node;
  const batch = new BatchRows();
  let any = false;
  while (results.next()) {
    any = true;
    const { key } = results;
    if (emit === "key") batch.push(key);
    else if (emit === "pair") batch.push([key, finish(results.value)]);
    else batch.push(finish(results.value));
    if (batch.isFull) {
      yield batch.batch();
      batch.clear();
    }
  }
  if (!any && node.key === "all" && node.empty !== undefined) {
    batch.push(emit === "pair" ? [null, node.empty()] : node.empty());
  }
  if (batch.rows.length > 0) yield batch.batch();
}

function finisherOf({ aggregator }: AggregateNode): (accumulator: unknown) => unknown {
  const finish = aggregator === "count" ? undefined : aggregator.finish;
  return finish === undefined ? (accumulator) => accumulator : (finish as (accumulator: unknown) => unknown);
}
