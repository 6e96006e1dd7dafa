import { partitionOf } from "../../../base/hash.ts";
import type { AggregateNode } from "../../../plan/node.ts";
import type { ColumnSource } from "../block/column.ts";
import { PartitionFrames } from "../block/partition-frames.ts";
import { settled } from "../group/group.ts";
import type { KeyedSink } from "../sink.ts";
import { SINK_BYTES, SINK_ROWS, type SinkTarget } from "../sink-options.ts";
import { AggregateTable } from "./aggregate-table.ts";

/** Combines before the shuffle: what leaves the task is one accumulator a key, each time the table is full. */
export class AggregateSink implements KeyedSink {
  readonly #table: AggregateTable;
  readonly #all: boolean;
  readonly #target: SinkTarget;

  constructor(node: AggregateNode, target: SinkTarget) {
    this.#table = new AggregateTable(node.aggregator);
    this.#all = node.key === "all";
    this.#target = target;
  }

  add(key: unknown, value: unknown): void {
    this.#table.add(this.#all ? null : settled(key), settled(value));
    if (this.#table.size >= SINK_ROWS || this.#table.isFull(SINK_BYTES)) this.#flush();
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

  finish(): void {
    this.#flush();
  }

  /** By partition, and there by first arrival. */
  #flush(): void {
    const { table, accumulators } = this.#table;
    const frames = new PartitionFrames(this.#target);
    for (const entry of this.#byPartition()) {
      const partition = partitionOf(table.hashOf(entry), this.#target.partitions);
      frames.addPair(partition, table.keys[entry], accumulators[entry]);
    }
    frames.flush();
    this.#table.clear();
  }

  /** A counting sort, so that one frame is filled at a time. */
  #byPartition(): Uint32Array {
    const { table } = this.#table;
    const { partitions } = this.#target;
    const starts = new Uint32Array(partitions + 1);
    for (let entry = 0; entry < table.size; entry++) {
      starts[partitionOf(table.hashOf(entry), partitions) + 1]!++;
    }
    for (let partition = 0; partition < partitions; partition++) {
      starts[partition + 1]! += starts[partition] as number;
    }
    const order = new Uint32Array(table.size);
    for (let entry = 0; entry < table.size; entry++) {
      const at = starts[partitionOf(table.hashOf(entry), partitions)]!++;
      order[at] = entry;
    }
    return order;
  }
}
