import type { ErrorInfo } from "../base/errors.ts";
import type { AttemptId, ContentHash, Epoch, JobId, NodeId } from "../base/ids.ts";
import type { TaskOutput } from "../plan/task.ts";

/**
 * A job's durable decisions; replaying them gives the driver's whole durable state (S3). Assignments, heartbeats
 * and progress are not here: a new driver asks the nodes.
 */
export type LogEvent =
  /** Always the first. */
  | { readonly kind: "submitted"; readonly job: JobId; readonly spec: ContentHash; readonly atMs: number }
  /** A driver took over, or the job was resumed: a failed or cancelled job runs again from here. */
  | {
      readonly kind: "epochStarted";
      readonly epoch: Epoch;
      readonly driver: NodeId;
      readonly atMs: number;
      /** What no other take-over ever writes; undefined in logs of builds that did not write it. */
      readonly holder?: string;
    }
  /** This attempt is the effective one of its task until `outputLost` (S4). */
  | { readonly kind: "taskCompleted"; readonly attempt: AttemptId; readonly output: TaskOutput }
  /** The effective attempt's block is missing or corrupt; the task runs again. */
  | { readonly kind: "outputLost"; readonly attempt: AttemptId }
  /** Every output is visible. Terminal. */
  | { readonly kind: "committed"; readonly atMs: number }
  /** Terminal until resumed. */
  | {
      readonly kind: "failed";
      readonly atMs: number;
      readonly attempt: AttemptId | undefined;
      readonly error: ErrorInfo;
    }
  /** Terminal until resumed. */
  | { readonly kind: "cancelled"; readonly atMs: number; readonly reason: string };

/** What one append writes: a batch of events under one sequence number. */
export interface LogRecord {
  readonly version: 1;
  /** From 0, without gaps (S2). */
  readonly seq: number;
  readonly epoch: Epoch;
  readonly events: readonly LogEvent[];
}
