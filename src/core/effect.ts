import type { ErrorInfo } from "../base/errors.ts";
import type { AttemptId, Epoch, NodeId } from "../base/ids.ts";
import type { TaskAssignment } from "../plan/task.ts";
import type { LogRecord } from "../protocol/log-event.ts";
import type { Completed } from "./job-state.ts";

/** What the driver wants done. Effects of one step are begun in this order. */
export type DriverEffect =
  /**
   * Append to the log if epoch and tail are still this driver's, then answer `recordAppended`. At most one is under
   * way. Whoever finds the driver deposed instead drops it without another event.
   */
  | { readonly kind: "appendRecord"; readonly record: LogRecord }
  | {
      readonly kind: "sendOrders";
      readonly worker: NodeId;
      readonly incarnation: string;
      readonly start: readonly TaskAssignment[];
      readonly stop: readonly AttemptId[];
      readonly forget: readonly AttemptId[];
    }
  /** `timerFired` once, not before the delay; a timer of the same name is replaced. */
  | { readonly kind: "setTimer"; readonly timer: string; readonly delayMs: number }
  | { readonly kind: "clearTimer"; readonly timer: string }
  /** Read the rows to collect, then make every `write` end visible; every task is complete. Idempotent. */
  | { readonly kind: "commitOutputs"; readonly outputs: readonly Completed[] }
  /** Nothing follows. The log says the same. */
  | { readonly kind: "endJob"; readonly outcome: JobEnd }
  /**
   * A worker has followed another driver of this epoch, which is not before this driver's: its own is one that was given out twice,
   * in a store that was set back, or it was deposed. Nothing of it counts with that worker. Whoever wants to go on takes over above
   * that epoch. Nothing follows.
   */
  | { readonly kind: "standAside"; readonly above: Epoch }
  /** For whoever watches; changes nothing. */
  | { readonly kind: "note"; readonly note: DriverNote };

export type JobEnd =
  | { readonly kind: "committed" }
  | { readonly kind: "failed"; readonly error: ErrorInfo }
  | { readonly kind: "cancelled"; readonly reason: string };

export type DriverNote =
  | { readonly kind: "taskCompleted"; readonly completed: Completed }
  | {
      readonly kind: "taskFailed";
      readonly attempt: AttemptId;
      readonly tries: number;
      readonly triesMax: number;
      readonly error: ErrorInfo;
      /** 0 where another attempt is under way already; undefined where this was the last one, and the job fails. */
      readonly retryInMs: number | undefined;
    }
  | { readonly kind: "outputLost"; readonly lost: Completed }
  /** Tasks failed there that others have completed: for so long it gets nothing new. */
  | { readonly kind: "nodeSetAside"; readonly worker: NodeId; readonly forMs: number }
  /** It gets tasks again. */
  | { readonly kind: "nodeBack"; readonly worker: NodeId }
  /** A task that is late runs a second time, on another node. */
  | { readonly kind: "backupStarted"; readonly attempt: AttemptId; readonly worker: NodeId }
  /** The second attempt was the first to complete. */
  | { readonly kind: "backupWon"; readonly attempt: AttemptId; readonly worker: NodeId }
  /** What an earlier driver had given to this worker goes on, or counts as it ended. */
  | { readonly kind: "attemptAdopted"; readonly attempt: AttemptId; readonly worker: NodeId }
  | { readonly kind: "workerLost"; readonly worker: NodeId };
