/** What a task is given and what it gives back: plain data that can cross threads, machines and years. */
import type { ErrorInfo } from "../base/errors.ts";
import type { AttemptId, ContentHash, JobId, NodeId, StageId } from "../base/ids.ts";
import type { JoinWays } from "./join-ways.ts";

/** A file as it was when the job was submitted; a task that finds another size, time or version refuses it. */
export interface InputFile {
  /** Absolute, or `s3://bucket/key`. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Modification time, whole milliseconds since 1970. */
  readonly mtimeMs: number;
  /** What an object store calls this version. */
  readonly etag?: string;
}

/** The part of a source that one task reads. */
export type SourceSplit =
  /** Records that *start* in bytes [start, end) of the file; a compressed file is one split of everything. */
  | { readonly kind: "bytes"; readonly file: InputFile; readonly start: number; readonly end: number }
  /** Whole files, one after the other: where there are very many small ones, they share tasks. */
  | { readonly kind: "files"; readonly files: readonly InputFile[] }
  /** Items with index [start, end) of a `range` or `of` source. */
  | { readonly kind: "items"; readonly start: number; readonly end: number };

/** The one immutable file of an attempt's shuffle and collect output. Self-describing; see the engine's block format. */
export interface BlockRef {
  /** Blob key, unique to the attempt. */
  readonly key: string;
  readonly bytes: number;
  /** CRC-32 of the file's index, which holds the CRC-32 of every frame: verifying it verifies all that is read. */
  readonly checksum: number;
  /** The node whose blob store has it; undefined: this one's. */
  readonly node?: NodeId;
}

/** A file an attempt wrote for a `write` end; invisible until the job commits. */
export interface OutputFile {
  /** Index in the plan's ends. */
  readonly endIndex: number;
  /** Index of the sink in the task's stage: a union may feed one end through several sinks of one stage. */
  readonly sink: number;
  /** How the commit finds the file, unique to the attempt. */
  readonly staged: string;
  readonly bytes: number;
  readonly rows: number;
}

/** The blocks of one producer of a shuffle, in the order of its partitions. */
export interface ProducerBlocks {
  readonly stage: StageId;
  readonly sink: number;
  readonly blocks: readonly BlockRef[];
}

/** Everything a worker needs, besides the job itself, to run one attempt. */
export interface TaskAssignment {
  readonly attempt: AttemptId;
  /** How many partitions this task's stage has. */
  readonly partitions: number;
  /** For each sink of the stage: how many partitions it writes (1 for ends). */
  readonly sinkPartitions: readonly number[];
  readonly input:
    | { readonly kind: "split"; readonly split: SourceSplit }
    | { readonly kind: "blocks"; readonly sides: readonly (readonly ProducerBlocks[])[] };
  /** For each broadcast of the stage: the blocks of its one partition. */
  readonly broadcasts: readonly (readonly ProducerBlocks[])[];
  /**
   * How many records the log had when the driver gave this out: with the log, that says which blocks the attempt reads. A
   * later driver needs it to go on with the attempt; undefined: none does.
   */
  readonly asOfSeq?: number;
}

/** What an attempt did. Counters and rows of attempts that were not effective count for nothing. */
export interface TaskOutput {
  /** undefined where the stage has only `write` ends, or the attempt had no row for any other sink. */
  readonly block: BlockRef | undefined;
  readonly files: readonly OutputFile[];
  readonly rowsIn: number;
  readonly bytesIn: number;
  /** Rows given to each sink of the stage, before combining. */
  readonly sinkRows: readonly number[];
  readonly counters: Readonly<Record<string, number>>;
}

/** What all tasks of a job share; fixed when it is submitted. */
export interface JobConstants {
  /** Seeds `ctx.random`. */
  readonly seed: string;
  /** What `ctx.now` says, ms since 1970. */
  readonly submittedAtMs: number;
  readonly bundle: ContentHash;
}

/** What every task of a job needs, besides its own assignment. */
export interface JobContext {
  readonly job: JobId;
  /** Name of the job among those its module defines. */
  readonly name: string;
  /** The job's validated params. */
  readonly params: unknown;
  readonly constants: JobConstants;
  /** Fingerprint of the plan that was submitted; a plan that differs is PLAN_IMPURE. */
  readonly fingerprint: string;
  /** How the plan's joins run, as was chosen when the job was submitted. */
  readonly joins: JoinWays;
  /**
   * For each end of the plan, the absolute directory of a `write` end, as it was resolved when the job was submitted:
   * a task must not resolve it again, in another working directory. Empty for other ends.
   */
  readonly outputDirectories: readonly string[];
  /** For each stage, the span that its attempts belong to, as `Span.context` says it. Undefined where nobody traces. */
  readonly trace?: readonly string[];
}

export type TaskOutcome =
  | { readonly kind: "finished"; readonly output: TaskOutput }
  /** `lostBlocks`: keys of input blocks that were missing or corrupt; empty for every other failure. */
  | { readonly kind: "failed"; readonly error: ErrorInfo; readonly lostBlocks: readonly string[] }
  | { readonly kind: "stopped" };
