/**
 * What driver and workers say to each other. Both messages carry whole states, not changes: whatever was lost,
 * doubled or late is mended by the next one.
 */
import type { AttemptId, Epoch, JobId } from "../base/ids.ts";
import type { JobContext, TaskAssignment, TaskOutcome } from "../plan/task.ts";

/**
 * Which driver: its epoch, and what no other take-over ever writes beside it. In a store that was set back to an older state the
 * number of an epoch is given out again.
 */
export interface Term {
  readonly epoch: Epoch;
  /** "" in what builds wrote that did not say it. */
  readonly holder: string;
}

/** Worker to driver: at every change, and as a heartbeat. */
export interface WorkerPoll {
  readonly kind: "poll";
  readonly job: JobId;
  /** New with every start of the worker's process. */
  readonly incarnation: string;
  /** Grows with each poll of an incarnation; an older one is ignored. */
  readonly seq: number;
  /** Where it stands; what lies in the same region is nearer. Undefined: there is but one. */
  readonly region?: string;
  /** Tasks it runs at a time. */
  readonly slots: number;
  /** Tasks it takes beyond these, to begin as others end: so many that no slot waits for orders while tasks are tiny. */
  readonly ahead: number;
  /** What it was ordered to start and has not ended, begun or not. */
  readonly running: readonly AttemptId[];
  /**
   * The `asOfSeq` of each of them, in the same order: by it a driver goes on with what an earlier one gave out. Undefined where one
   * of them has none.
   */
  readonly runningAsOf?: readonly number[];
  /** Attempts that ended and that no driver has acknowledged yet: those not told of before, in a heartbeat all. */
  readonly ended: readonly EndedAttempt[];
  /**
   * Whose orders it followed, by epoch, ascending: the last is the driver it follows now, the others those of the attempts that it
   * runs or has to tell of. It follows no other driver of an epoch that is not later.
   */
  readonly terms: readonly Term[];
}

export interface EndedAttempt {
  readonly attempt: AttemptId;
  readonly outcome: TaskOutcome;
  /** As its assignment said. */
  readonly asOfSeq?: number;
}

/** Driver to worker. */
export interface DriverOrders {
  readonly kind: "orders";
  readonly job: JobId;
  readonly epoch: Epoch;
  /** Whose the epoch is: see `Term`. */
  readonly holder: string;
  /** The incarnation these are for; another one ignores them. */
  readonly incarnation: string;
  readonly context: JobContext;
  /** Attempts that should run there; those already known there are left alone. */
  readonly start: readonly TaskAssignment[];
  readonly stop: readonly AttemptId[];
  /** Ended attempts whose outcome is durable or meaningless: forget them. */
  readonly forget: readonly AttemptId[];
}

export type Message = WorkerPoll | DriverOrders;
