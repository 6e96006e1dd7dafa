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
import { BatchRows, GeneratedInput, type Reduction } from "../generated-input.ts";
import { GroupSorter } from "../group/group-sorter.ts";
import { owned } from "../own-string.ts";
import type { Cursor } from "../runs/cursor.ts";
import { RunStore } from "../runs/runs.ts";
import { type ReadMeter, type ShuffleRequest, takeColumns } from "../shuffle-request.ts";
import { AggregateTable } from "./aggregate-table.ts";
import { countLoop, mergeLoopOf, PartialFrame } from "./partial-frame.ts";
import { sortedEntries } from "./sorted-entries.ts";

export function openAggregate(request: ShuffleRequest<AggregateNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const aggregation = request.node.aggregator === "count" ? new Counting(request) : new Folding(request);
    try {
      for (const side of request.sides) {
        await takeColumns(side, request, meter, (columns) => aggregation.take(new PartialFrame(columns)));
      }
      return reductionOf(aggregation, request.node);
    } catch (error) {
      aggregation.dispose();
      throw error;
    }
  }, meter);
}

interface Aggregation {
  take(frame: PartialFrame): void;
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

  take(frame: PartialFrame): void {
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

class Counting implements Aggregation {
  readonly #memoryBytes: number;
  readonly #table = new AggregateTable("count");
  readonly #runs: RunStore;

  constructor(request: ShuffleRequest<AggregateNode>) {
    this.#memoryBytes = request.memoryBytes;
    this.#runs = new RunStore({ ...request, order: compareKeys });
  }

  take(frame: PartialFrame): void {
    while (!frame.isDone) {
      if (frame.mergeInto(this.#table, countLoop, this.#memoryBytes)) this.#spill();
    }
  }

  results(): Cursor {
    if (this.#runs.isEmpty) return tableCursor(this.#table);
    if (this.#table.size > 0) this.#spill();
    return new FoldCursor(this.#runs.merged(), (a, b) => (a as number) + (b as number));
  }

  dispose(): void {
    this.#table.clear();
    this.#runs.dispose();
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
