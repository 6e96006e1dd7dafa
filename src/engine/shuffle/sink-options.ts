import type { BlockWriter } from "./block/block-writer.ts";

/**
 * When sinks let go of what they hold. These decide which rows share a frame or were combined, and so what a
 * block's bytes are: they are fixed, and never follow the memory a task was given.
 */
export const SINK_BYTES = 16 * 1024 * 1024;
export const SINK_ROWS = 1 << 17;

/** Which part of which block a sink writes. */
export interface SinkTarget {
  readonly sinkIndex: number;
  /** Partitions of the sink. */
  readonly partitions: number;
  readonly block: BlockWriter;
}
