import { type AttemptId, type JobId, sameAttempt } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskObserver, TaskRequest } from "../../ports/task-runner.ts";

/** A task that has no outcome yet. */
export interface SlotTask {
  readonly request: TaskRequest;
  readonly observer: TaskObserver;
  readonly onEnded: (outcome: TaskOutcome) => void;
}

/** One that was sent to a thread. */
export interface SentTask {
  readonly task: SlotTask;
  readonly seq: number;
  loadingSinceMs: number | undefined;
  stopAsked: boolean;
  graceTimer: NodeJS.Timeout | undefined;
}

export const sentTask = (task: SlotTask, seq: number): SentTask => ({
  task,
  seq,
  loadingSinceMs: undefined,
  stopAsked: false,
  graceTimer: undefined,
});

export const isOf = ({ request }: SlotTask, job: JobId, attempt: AttemptId): boolean =>
  request.job.job === job && sameAttempt(request.assignment.attempt, attempt);

/** Tasks are sent ahead as far as so much work, judged by those that ended last: another thread may be free for them. */
const AHEAD_MS = 4;
const AHEAD_MAX = 128;
/** After a task that took longer none is sent ahead. */
export const TINY_MS = 1;
/** Part of the newest in what tasks are said to take. */
const NEWEST_PART = 0.25;

/** How many tasks a thread is sent beyond the one that it works on. */
export class Ahead {
  tasks = 0;
  /** What a task takes in the thread, of late. */
  #tookMs = TINY_MS;

  /** @param tookMs Of the task that ended last. */
  count(tookMs: number): void {
    this.#tookMs += (tookMs - this.#tookMs) * NEWEST_PART;
    this.tasks = tookMs > TINY_MS ? 0 : Math.min(AHEAD_MAX, Math.floor(AHEAD_MS / this.#tookMs));
  }
}
