import { unreachable } from "../base/assert.ts";
import { type AttemptId, attemptHandle } from "../base/ids.ts";
import type { DriverNote } from "../core/effect.ts";
import type { JobState } from "../core/job-state.ts";
import type { SourceSplit } from "../plan/task.ts";
import type { TaskProgress } from "../ports/task-runner.ts";
import type { Progress } from "./events.ts";

/** Rates are those of so many past milliseconds. */
const RATE_WINDOW_MS = 5_000;
/** Before so much time and so many tasks an ETA would be a guess. */
const ETA_AFTER_MS = 2_000;
const ETA_AFTER_TASKS = 2;

interface Sample {
  readonly atMs: number;
  readonly rows: number;
  readonly bytes: number;
}

/** Adds up what the tasks say. Rows and bytes are those of the sources; a retried attempt's are not counted twice. */
export class ProgressMeter {
  readonly #state: JobState;
  readonly #startMs: number;
  readonly #tasksTotal: number;
  readonly #bytesTotal: number;
  readonly #tasksResumed: number;
  readonly #running = new Map<number | string, { readonly attempt: AttemptId; progress: TaskProgress }>();
  /** Attempts that failed, and may go on saying what they do until they are stopped. */
  readonly #failed = new Set<number | string>();
  readonly #samples: Sample[] = [];
  #tasksDone = 0;
  #rowsDone = 0;
  #bytesDone = 0;

  constructor(state: JobState, nowMs: number) {
    this.#state = state;
    this.#startMs = nowMs;
    this.#tasksTotal = state.spec.stages.reduce((sum, stage) => sum + stage.tasks, 0);
    this.#bytesTotal = state.spec.splits.flat().reduce((sum, split) => sum + splitBytes(split), 0);
    for (const { attempt, output } of state.outputs()) this.#count(attempt, output, 1);
    this.#tasksResumed = this.#tasksDone;
    this.#samples.push({ atMs: nowMs, rows: this.#rowsDone, bytes: this.#bytesDone });
  }

  get tasksResumed(): number {
    return this.#tasksResumed;
  }

  onNote(note: DriverNote): void {
    switch (note.kind) {
      case "taskCompleted":
        this.#running.delete(attemptHandle(note.completed.attempt));
        return this.#count(note.completed.attempt, note.completed.output, 1);
      case "taskFailed":
        this.#failed.add(attemptHandle(note.attempt));
        return this.onTaskDropped(note.attempt);
      case "outputLost":
        return this.#count(note.lost.attempt, note.lost.output, -1);
      case "workerLost":
        this.#running.clear();
        return;
      case "backupStarted":
      case "backupWon":
      case "nodeSetAside":
      case "nodeBack":
      case "attemptAdopted":
        return;
      default:
        return unreachable(note);
    }
  }

  onTaskProgress(attempt: AttemptId, progress: TaskProgress): void {
    const key = attemptHandle(attempt);
    if (!this.#failed.has(key)) this.#running.set(key, { attempt, progress });
  }

  onTaskDropped(attempt: AttemptId): void {
    this.#running.delete(attemptHandle(attempt));
  }

  #count(attempt: AttemptId, { rowsIn, bytesIn }: TaskProgress, sign: 1 | -1): void {
    this.#tasksDone += sign;
    if (!this.#isSource(attempt)) return;
    this.#rowsDone += sign * rowsIn;
    this.#bytesDone += sign * bytesIn;
  }

  #isSource(attempt: AttemptId): boolean {
    return this.#state.spec.stages[attempt.stage]?.input.kind === "source";
  }

  read(nowMs: number): Progress {
    const { rows, bytes } = this.#totals();
    this.#samples.push({ atMs: nowMs, rows, bytes });
    while (this.#samples.length > 2 && nowMs - this.#samples[0]!.atMs > RATE_WINDOW_MS) this.#samples.shift();
    const oldest = this.#samples[0]!;
    const seconds = Math.max(nowMs - oldest.atMs, 1) / 1_000;
    return {
      tasksDone: this.#tasksDone,
      tasksRunning: this.#running.size,
      tasksTotal: this.#tasksTotal,
      stage: this.#state.spec.stages.find(({ id }) => !this.#state.isStageComplete(id))?.label ?? "commit",
      rows,
      bytes,
      bytesTotal: this.#bytesTotal,
      elapsedMs: nowMs - this.#startMs,
      rowsPerSecond: Math.max(rows - oldest.rows, 0) / seconds,
      bytesPerSecond: Math.max(bytes - oldest.bytes, 0) / seconds,
      etaMs: this.#etaMs(nowMs),
    };
  }

  #totals(): { rows: number; bytes: number } {
    let rows = this.#rowsDone;
    let bytes = this.#bytesDone;
    for (const { attempt, progress } of this.#running.values()) {
      if (!this.#isSource(attempt)) continue;
      rows += progress.rowsIn;
      bytes += progress.bytesIn;
    }
    return { rows, bytes };
  }

  /** As if the tasks to come took as long as those of this run: coarse, and better than nothing. */
  #etaMs(nowMs: number): number | undefined {
    const elapsedMs = nowMs - this.#startMs;
    const done = this.#tasksDone - this.#tasksResumed;
    if (elapsedMs < ETA_AFTER_MS || done < ETA_AFTER_TASKS) return undefined;
    return (elapsedMs / done) * (this.#tasksTotal - this.#tasksDone);
  }
}

function splitBytes(split: SourceSplit): number {
  switch (split.kind) {
    case "bytes":
      return split.end - split.start;
    case "files":
      return split.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    case "items":
      return 0;
    default:
      return unreachable(split);
  }
}
