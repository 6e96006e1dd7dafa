import { partitionOf } from "../../../base/hash.ts";
import type { AggregateNode } from "../../../plan/node.ts";
import type { ColumnSource } from "../block/column.ts";
import { FRAME_BYTES, FRAME_ROWS } from "../block/frame-buffer.ts";
import { PartitionFrames } from "../block/partition-frames.ts";
import { estimateBytes } from "../estimate.ts";
import { settled } from "../group/group.ts";
import type { KeyedSink } from "../sink.ts";
import { SINK_BYTES, SINK_ROWS, type SinkTarget } from "../sink-options.ts";
import { AggregateTable } from "./aggregate-table.ts";
import { HeldKeys } from "./held-keys.ts";
import type { KeyIndex } from "./key-index.ts";

const NUMBER_BYTES = estimateBytes(0);

/** How many keys the last table of each aggregation had: tasks of a stage are much alike, and growing costs a lot. */
const keysLastTime = new WeakMap<AggregateNode, number>();
/**
 * The table of the last task of each aggregation, empty: the pages of a new one would all be faulted in and zeroed first.
 * Held weakly, so that it goes when memory is short, and with the last task.
 */
const spareTables = new WeakMap<AggregateNode, WeakRef<AggregateTable>>();

function takeTable(node: AggregateNode): AggregateTable {
  const spare = spareTables.get(node)?.deref();
  if (spare === undefined) return new AggregateTable(node.aggregator);
  // Another sink of the same aggregation may be open beside this one.
  spareTables.delete(node);
  return spare;
}

/**
 * Combines before the shuffle: what leaves the task is one accumulator a key, each time the table is full.
 *
 * A generated loop need not go through `add`: as long as there are `numbers`, it looks the key up in `index`, and
 * where the entry is one of those there were before, replaces its number; else it calls `begin`.
 */
export class AggregateSink implements KeyedSink {
  readonly #node: AggregateNode;
  readonly #table: AggregateTable;
  readonly #all: boolean;
  readonly #target: SinkTarget;
  #held: HeldKeys | undefined;

  constructor(node: AggregateNode, target: SinkTarget) {
    this.#node = node;
    this.#table = takeTable(node);
    this.#table.reserve(keysLastTime.get(node) ?? 0);
    this.#all = node.key === "all";
    this.#target = target;
  }

  add(key: unknown, value: unknown): void {
    this.#table.add(this.#all ? null : settled(key), settled(value));
    this.#flushFull();
  }

  /** The keys. The same object for the sink's whole life. */
  get index(): KeyIndex {
    return this.#table.index;
  }

  /** Accumulators by entry; undefined where they are not numbers. Another one after each call of this sink. */
  get numbers(): Float64Array | undefined {
    return this.#table.numbers;
  }

  /** Where keys wait to be folded some at a time; undefined where that does not help. */
  get held(): HeldKeys | undefined {
    if (this.#held === undefined && this.index.isLarge) this.#held = new HeldKeys();
    return this.#held?.areSpread === true ? this.#held : undefined;
  }

  /** Takes the value of the key that was just entered, and is new. */
  begin(value: unknown): void {
    this.#table.begin(value);
    this.#flushFull();
  }

  /** Takes an accumulator that is not a number any more, and the value it was made with. */
  replace(entry: number, accumulator: unknown, value: unknown): void {
    this.#table.replace(entry, accumulator, value);
    this.#flushFull();
  }

  /** Partitions of the sink. */
  get partitions(): number {
    return this.#target.partitions;
  }

  /** Takes what was combined elsewhere: accumulators by key. A key can come again, here and by `add`. */
  addPartials(partition: number, keys: ColumnSource, accumulators: ColumnSource): void {
    const { block, sinkIndex } = this.#target;
    block.append(sinkIndex, partition, keys, accumulators);
  }

  /** Nothing may be given to the sink after this. */
  finish(): void {
    this.#flush();
    spareTables.set(this.#node, new WeakRef(this.#table));
  }

  #flushFull(): void {
    if (this.#table.size >= SINK_ROWS || this.#table.isFull(SINK_BYTES)) this.#flush();
  }

  /** By partition, and there by first arrival: what fills frames first, then what is left of each partition. */
  #flush(): void {
    const { partitions } = this.#target;
    keysLastTime.set(this.#node, this.#table.size);
    const { ends, entries } = this.#byPartition();
    if (this.#table.numbers === undefined) this.#flushValues(ends, entries);
    else {
      const rests: Uint32Array[] = [];
      for (let partition = 0; partition < partitions; partition++) {
        const start = partition === 0 ? 0 : (ends[partition - 1] as number);
        const own = entries.subarray(start, ends[partition]);
        rests.push(this.#flushFrames(partition, own, this.#table.numbers));
      }
      for (const [partition, rest] of rests.entries()) {
        if (rest.length > 0) this.#flushFrame(partition, rest, this.#table.numbers);
      }
    }
    this.#table.clear();
  }

  #flushValues(ends: Uint32Array, entries: Uint32Array): void {
    const { index, values } = this.#table;
    const frames = new PartitionFrames(this.#target);
    let partition = 0;
    for (let i = 0; i < entries.length; i++) {
      while (i >= (ends[partition] as number)) partition++;
      const entry = entries[i] as number;
      frames.addPair(partition, index.keyOf(entry), values[entry]);
    }
    frames.flush();
  }

  /** Returns the entries that do not fill a frame. */
  #flushFrames(partition: number, entries: Uint32Array, numbers: Float64Array): Uint32Array {
    const { index } = this.#table;
    let start = 0;
    let bytes = 0;
    for (let i = 0; i < entries.length; i++) {
      bytes += NUMBER_BYTES + index.estimateOf(entries[i] as number);
      if (bytes < FRAME_BYTES && i + 1 - start < FRAME_ROWS) continue;
      this.#flushFrame(partition, entries.subarray(start, i + 1), numbers);
      start = i + 1;
      bytes = 0;
    }
    return entries.subarray(start);
  }

  #flushFrame(partition: number, entries: Uint32Array, numbers: Float64Array): void {
    const { block, sinkIndex } = this.#target;
    const accumulators = new Float64Array(entries.length);
    for (let i = 0; i < entries.length; i++) accumulators[i] = numbers[entries[i] as number] as number;
    block.append(sinkIndex, partition, this.#table.index.columnOf(entries), accumulators);
  }

  /** A counting sort, so that one frame is filled at a time. */
  #byPartition(): { ends: Uint32Array; entries: Uint32Array } {
    const { index } = this.#table;
    const { partitions } = this.#target;
    const { size } = index;
    const own = new Uint32Array(size);
    const ends = new Uint32Array(partitions + 1);
    for (let entry = 0; entry < size; entry++) {
      const partition = partitionOf(index.hashOf(entry), partitions);
      own[entry] = partition;
      ends[partition + 1]!++;
    }
    for (let partition = 0; partition < partitions; partition++) {
      ends[partition + 1]! += ends[partition] as number;
    }
    const entries = new Uint32Array(size);
    for (let entry = 0; entry < size; entry++) entries[ends[own[entry] as number]!++] = entry;
    return { ends, entries };
  }
}
