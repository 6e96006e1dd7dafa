import type { ErrorInfo } from "../base/errors.ts";
import type { JobId, StageId } from "../base/ids.ts";

/** What happens while a job runs, for whoever watches. Never needed for the result. */
export type RunEvent =
  | {
      readonly kind: "started";
      readonly job: JobId;
      readonly stages: readonly { readonly id: StageId; readonly label: string; readonly tasks: number }[];
      /** Tasks that an earlier run of this job had completed. */
      readonly tasksResumed: number;
    }
  /** A few times a second, and once at the end. */
  | { readonly kind: "progress"; readonly progress: Progress }
  /**
   * An attempt failed. `retryInMs` undefined: it was the last one, and the job fails; 0: another attempt of the same task
   * is under way.
   */
  | {
      readonly kind: "taskFailed";
      readonly stage: StageId;
      readonly partition: number;
      /** From 1. */
      readonly tries: number;
      readonly triesMax: number;
      readonly error: ErrorInfo;
      readonly retryInMs: number | undefined;
    }
  /** A completed task's block was missing or corrupt and is made again. */
  | { readonly kind: "outputLost"; readonly stage: StageId; readonly partition: number }
  /** In a cluster: a task takes much longer than the others of its stage, and runs a second time on this node. */
  | {
      readonly kind: "backupStarted";
      readonly stage: StageId;
      readonly partition: number;
      readonly node: string;
    }
  /** The second attempt, on this node, was the first to complete. */
  | { readonly kind: "backupWon"; readonly stage: StageId; readonly partition: number; readonly node: string }
  /** In a cluster: tasks failed on this node that others have completed. For so long it gets nothing new of this job. */
  | { readonly kind: "nodeSetAside"; readonly node: string; readonly forMs: number }
  /** It gets tasks of this job again, or is gone. */
  | { readonly kind: "nodeBack"; readonly node: string }
  /** A line of `ctx.log`. */
  | {
      readonly kind: "log";
      readonly stage: StageId;
      readonly partition: number;
      readonly message: string;
      readonly fields: string | undefined;
    }
  /**
   * The job calls something that is another each time (`Math.random`, the clock), so its result may be too. Once
   * for each such call; the message names the line.
   */
  | { readonly kind: "warning"; readonly message: string }
  /** A stop was asked for (Ctrl-C, a signal); running tasks are being stopped. */
  | { readonly kind: "stopping"; readonly reason: string };

export interface Progress {
  readonly tasksDone: number;
  readonly tasksRunning: number;
  readonly tasksTotal: number;
  /** Label of the earliest unfinished stage. */
  readonly stage: string;
  /** Records read by source stages so far, running attempts included. */
  readonly rows: number;
  /** Bytes read by source stages so far, and all there are to read. */
  readonly bytes: number;
  readonly bytesTotal: number;
  readonly elapsedMs: number;
  /** Over the last seconds. */
  readonly rowsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Undefined while it would be a guess. */
  readonly etaMs: number | undefined;
}
