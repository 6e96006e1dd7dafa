/** The sinks of one attempt: one block for everything that is shuffled or collected, and a file for each `write`. */
import { assert } from "../../base/assert.ts";
import { attemptKey } from "../../base/ids.ts";
import type { Sink, Stage } from "../../plan/stage.ts";
import type { BlockRef, JobContext, OutputFile, TaskAssignment } from "../../plan/task.ts";
import type { EngineEnvironment } from "../environment.ts";
import { BlockWriter } from "../shuffle/block/block-writer.ts";
import { createShuffleSink } from "../shuffle/create-sink.ts";
import type { KeyedSink, RowSink } from "../shuffle/sink.ts";
import { WriteSink } from "../write/write-sink.ts";

export interface TaskSinksOptions {
  readonly job: JobContext;
  readonly stage: Stage;
  readonly assignment: TaskAssignment;
  readonly env: EngineEnvironment;
  /** Sinks hold a fixed amount; what more they may use. */
  readonly memoryBytes: number;
}

/** Whether the sink's rows go into the attempt's block. */
export const isBlockSink = (sink: Sink): boolean => sink.kind !== "end" || sink.end.kind === "collect";

export class TaskSinks {
  readonly all: readonly (KeyedSink | RowSink)[];
  readonly #block: BlockWriter | undefined;
  readonly #files: WriteSink[] = [];

  constructor(options: TaskSinksOptions) {
    const { job, stage, assignment, env } = options;
    const key = `jobs/${job.job}/blocks/${attemptKey(assignment.attempt)}`;
    const { blobs, codec, crc32 } = env;
    const compressWith = env.compressBlocks ? env.lz4 : undefined;
    this.#block = stage.sinks.some(isBlockSink)
      ? new BlockWriter({ blobs, key, codec, crc32, compressWith })
      : undefined;
    try {
      this.all = stage.sinks.map((sink, index) => this.#open(sink, index, options));
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Whether there is nothing to make durable. Every sink must have been finished. */
  get isEmpty(): boolean {
    return this.#files.length === 0 && (this.#block === undefined || this.#block.isEmpty);
  }

  /** Makes the block and the files durable. Every sink must have been finished. */
  async commit(): Promise<{ block: BlockRef | undefined; files: readonly OutputFile[] }> {
    const files: OutputFile[] = [];
    for (const sink of this.#files) {
      const file = await sink.close();
      if (file !== undefined) files.push(file);
    }
    const block = this.#block;
    return { block: block === undefined || block.isEmpty ? undefined : await block.finish(), files };
  }

  /** Leaves nothing of this attempt behind that is not durable yet. */
  abort(): void {
    this.#block?.abort();
    for (const file of this.#files) file.abort();
  }

  #open(sink: Sink, sinkIndex: number, options: TaskSinksOptions): KeyedSink | RowSink {
    const { job, assignment, env, memoryBytes } = options;
    if (sink.kind === "end" && sink.end.kind === "write") {
      const { end, endIndex } = sink;
      const { attempt } = assignment;
      const { outputs, gzip } = env;
      const directory = job.outputDirectories[endIndex];
      assert(
        directory !== undefined,
        "the directory of every write end is resolved when its job is submitted",
      );
      const target = { job: job.job, endIndex, directory, overwrite: end.overwrite };
      const file = new WriteSink({ end, target, attempt, sinkIndex, outputs, gzip });
      this.#files.push(file);
      return file;
    }
    const partitions = assignment.sinkPartitions[sinkIndex]!;
    const taskPartition = assignment.attempt.partition;
    const block = this.#block;
    assert(block !== undefined, "a stage with a shuffle or a collect end has a block");
    return createShuffleSink({ sink, sinkIndex, partitions, block, env, memoryBytes, taskPartition });
  }
}
