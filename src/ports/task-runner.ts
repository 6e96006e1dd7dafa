import type { AttemptId, JobId } from "../base/ids.ts";
import type { JobContext, TaskAssignment, TaskOutcome } from "../plan/task.ts";

/** Runs attempts, of one job or several: in threads, in this thread (`--debug`), or in the simulator. */
export interface TaskRunner {
  /** How many tasks it runs at a time. */
  readonly slots: number;
  /** How many more attempts it takes now: those it can run at once, and some to follow where they take no time. */
  room(): number;
  /**
   * Runs one attempt. There is always an outcome, once: a thread that dies is one too. Only where there is room.
   * `observer` is called only until it is there. It is given at once where nothing had to be waited for: to wait for
   * nothing costs more than a small task.
   */
  run(request: TaskRequest, observer: TaskObserver): TaskOutcome | Promise<TaskOutcome>;
  /** Asks the attempt to end: politely, then by force. Its outcome is then `stopped`. Unknown attempts are ignored. */
  stop(job: JobId, attempt: AttemptId): void;
  /** Stops what runs, by force; resolves when every outcome has been given. */
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
  /** There where Bicoastal itself warns, of this call of the job's; every thread tells of it. */
  readonly warning?: ImpureCall;
}

/** What makes a job's results another each time. */
export type ImpureCall = "Math.random" | "Date.now" | "new Date";

/** What a runner gives an attempt to, wherever it runs: loads the job, builds its plan, runs the task. */
export interface TaskExecutor {
  /**
   * There is always an outcome, and at once where nothing had to be waited for; except where Bicoastal itself is wrong: then
   * it rejects, and the thread should end. Never throws.
   */
  execute(request: TaskRequest, control: ExecutionControl): TaskOutcome | Promise<TaskOutcome>;
}

/** How a task is watched and stopped from outside. */
export interface TaskControl {
  /** True once the attempt should end; asked between batches. */
  stopRequested(): boolean;
  /** Behind `ctx.signal`. */
  readonly signal: AbortSignal;
  /** Totals so far; called after each batch, so it must cost next to nothing. */
  progress(rowsIn: number, bytesIn: number): void;
  log(message: string, fields: string | undefined, warning?: ImpureCall): void;
  /**
   * Gives the event loop a turn where the task shares its thread with others, and it is time for one; undefined in a
   * thread of its own.
   */
  readonly breathe: (() => Promise<void> | undefined) | undefined;
}

export interface ExecutionControl extends TaskControl {
  /**
   * Called as the attempt enters a phase: a job that cannot even be loaded is given less time than a task.
   * @param label What the task does, in few words, once that is known.
   */
  phase(phase: ExecutionPhase, label?: string): void;
}

/** `loading`: the job's module is evaluated and its plan built. `running`: records are read. */
export type ExecutionPhase = "loading" | "running";
