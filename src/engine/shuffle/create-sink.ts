import { assert, unreachable } from "../../base/assert.ts";
import type { JoinNode, WideNode } from "../../plan/node.ts";
import type { Sink } from "../../plan/stage.ts";
import type { EngineEnvironment } from "../environment.ts";
import { AggregateSink } from "./aggregate/aggregate-sink.ts";
import type { BlockWriter } from "./block/block-writer.ts";
import { CombiningSink, HashSink } from "./group/hash-sinks.ts";
import { HotKeySink } from "./join/hot-key-sink.ts";
import { CollectSink, RepartitionSink } from "./row-sinks.ts";
import type { KeyedSink, RowSink } from "./sink.ts";
import type { SinkTarget } from "./sink-options.ts";
import { CollatedSink } from "./sort/collated-sink.ts";
import { SortSink } from "./sort/sort-sink.ts";
import { TopSink } from "./top/top-sink.ts";

export interface ShuffleSinkOptions {
  /** A shuffle, a broadcast, or a collect end. */
  readonly sink: Sink;
  /** Index among the stage's sinks. */
  readonly sinkIndex: number;
  /** How many partitions this sink writes. */
  readonly partitions: number;
  readonly block: BlockWriter;
  readonly env: EngineEnvironment;
  /** Sinks hold a fixed amount, so that a block's bytes do not depend on this. */
  readonly memoryBytes: number;
  /** Partition of the task: where repartition begins to deal. Default 0. */
  readonly taskPartition?: number;
}

/** A `KeyedSink` where `isKeyed(sink)`, else a `RowSink`. */
export function createShuffleSink(options: ShuffleSinkOptions): KeyedSink | RowSink {
  const { sink, taskPartition = 0 } = options;
  if (sink.kind === "shuffle") return createWideSink(sink.shuffle, sink.side, options, taskPartition);
  if (sink.kind === "broadcast") return new HashSink(options, takesKeysOnly(sink.join));
  assert(sink.end.kind === "collect", "files are not written through a block");
  return new CollectSink(sink.end, options);
}

/** Whether nobody looks at what the right side's keys come with. */
const takesKeysOnly = ({ how }: JoinNode): boolean => how === "semi" || how === "anti";

function createWideSink(
  node: WideNode,
  side: 0 | 1,
  target: SinkTarget,
  taskPartition: number,
): KeyedSink | RowSink {
  switch (node.kind) {
    case "aggregate":
      return new AggregateSink(node, target);
    case "group":
      return node.combine === undefined
        ? new HashSink(target, false)
        : new CombiningSink(target, node.combine as (key: unknown, values: readonly unknown[]) => unknown);
    case "cogroup":
      return new HashSink(target, false);
    case "join":
      return target.partitions > 1
        ? new HotKeySink(target, side === 1 && takesKeysOnly(node))
        : new HashSink(target, side === 1 && takesKeysOnly(node));
    case "sort":
      return node.collation === undefined ? new SortSink(node, target) : new CollatedSink(node, target);
    case "top":
      return new TopSink(node, target);
    case "repartition":
      return new RepartitionSink(target, taskPartition);
    default:
      return unreachable(node);
  }
}
