import type { AttemptId } from "../base/ids.ts";
import type { JobContext, TaskAssignment, TaskOutcome } from "../plan/task.ts";

/** Runs attempts: in threads, in this thread (`--debug`), or in the simulator. */
export interface TaskRunner {
  /** How many tasks it runs at a time. */
  readonly slots: number;
  /**
   * Runs one attempt. Always resolves, once: a thread that dies is an outcome too. At most `slots` at a time.
   * `observer` is called only until it resolves.
   */
  run(request: TaskRequest, observer: TaskObserver): Promise<TaskOutcome>;
  /** Asks the attempt to end: politely, then by force. Its outcome is then `stopped`. Unknown attempts are ignored. */
  stop(attempt: AttemptId): void;
  close(): Promise<void>;
}

export interface TaskRequest {
  readonly job: JobContext;
  readonly assignment: TaskAssignment;
}

export interface TaskObserver {
  /** Totals of this attempt so far; called at most a few times a second. */
  onProgress(progress: TaskProgress): void;
  onLog(entry: TaskLogEntry): void;
}

export interface TaskProgress {
  readonly rowsIn: number;
  readonly bytesIn: number;
}

/** A line of `ctx.log`. */
export interface TaskLogEntry {
  readonly message: string;
  /** JSON text of the fields given, or undefined. */
  readonly fields: string | undefined;
}
