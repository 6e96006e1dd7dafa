declare const brand: unique symbol;

/** A primitive that only its own constructor makes, so that a stage is never passed where a partition is meant. */
export type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Names one submitted job: its name and a random suffix, safe in file names and store keys. */
export type JobId = Branded<string, "JobId">;
/** Index of a stage in its plan, in topological order from 0. */
export type StageId = Branded<number, "StageId">;
/** Names a node of the cluster; on one machine there is one. */
export type NodeId = Branded<string, "NodeId">;
/** The fencing number of a job's driver: each take-over raises it by one, from 1. */
export type Epoch = Branded<number, "Epoch">;
/** SHA-256 of the content, in lower-case hex. */
export type ContentHash = Branded<string, "ContentHash">;

export const jobId = (text: string): JobId => text as JobId;
export const stageId = (index: number): StageId => index as StageId;
export const nodeId = (text: string): NodeId => text as NodeId;
export const epoch = (value: number): Epoch => value as Epoch;
export const contentHash = (hex: string): ContentHash => hex as ContentHash;

/** One partition of one stage. */
export interface TaskId {
  readonly stage: StageId;
  readonly partition: number;
}

/** One try of a task: a stale report is told from a live one by all of these together. */
export interface AttemptId extends TaskId {
  readonly epoch: Epoch;
  readonly attempt: number;
}

/** `s2.p17`: for keys of maps and for people. */
export const taskKey = (task: TaskId): string => `s${task.stage}.p${task.partition}`;

/** `s2.p17.e1.a0`: unique within a job, safe in file names. */
export const attemptKey = (id: AttemptId): string => `${taskKey(id)}.e${id.epoch}.a${id.attempt}`;

export const sameAttempt = (a: AttemptId, b: AttemptId): boolean =>
  a.partition === b.partition && a.stage === b.stage && a.epoch === b.epoch && a.attempt === b.attempt;

/** By stage, then partition, then which attempt of it. */
export const compareAttempts = (a: AttemptId, b: AttemptId): number =>
  a.stage - b.stage || a.partition - b.partition || a.epoch - b.epoch || a.attempt - b.attempt;

const PARTITION_BITS = 19;
const STAGE_BITS = 5;
const EPOCH_BITS = 4;
const ATTEMPT_BITS = 3;

/**
 * Unique within a job like `attemptKey`, for keys of maps in memory alone: nearly always a small whole number, which costs
 * a tenth of a text. Says nothing, and has no order worth anything.
 */
export function attemptHandle(id: AttemptId): number | string {
  const { stage, partition, epoch, attempt } = id;
  const small =
    partition < 1 << PARTITION_BITS &&
    stage < 1 << STAGE_BITS &&
    epoch < 1 << EPOCH_BITS &&
    attempt < 1 << ATTEMPT_BITS;
  if (!small) return attemptKey(id);
  return (((((attempt << EPOCH_BITS) | epoch) << STAGE_BITS) | stage) << PARTITION_BITS) | partition;
}
