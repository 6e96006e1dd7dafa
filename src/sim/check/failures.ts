/**
 * L19: a job fails because of a task only after that task has failed as often as its policy says, by itself, and with the very
 * error that the last of its attempts gave. What was lost with a process, a message or a block is no failure of the task.
 *
 * Held against each other: how attempts ended, as their threads said; what drivers tell of failures; and the log.
 */
import type { ErrorCode, ErrorInfo } from "../../base/errors.ts";
import { attemptKey, type JobId, taskKey } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskRequest } from "../../ports/task-runner.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { LogRecord } from "../../protocol/log-event.ts";
import type { RunEvent } from "../../runtime/events.ts";

/** What a driver finds out by itself, and no attempt can have given. */
const OF_DRIVERS: readonly ErrorCode[] = ["TASK_TIMEOUT", "JOB_FAILED", "OUTPUT_DIFFERS"];

/** Failures of one task that one driver has told of. */
interface Told {
  all: number;
  timeouts: number;
}

export class FailureCheck {
  readonly problems: string[] = [];
  /** What attempts failed with, by job and task, and then by attempt: names come again where the store was set back. */
  readonly #failed = new Map<string, Map<string, readonly ErrorInfo[]>>();
  /** By driver and job: failures told of each task since it drives. */
  readonly #told = new Map<string, Map<string, Told>>();

  /** An attempt has ended, and its worker has heard of it. */
  onOutcome({ job, assignment }: TaskRequest, outcome: TaskOutcome): void {
    if (outcome.kind !== "failed") return;
    const { attempt } = assignment;
    const task = `${job.job}/${taskKey(attempt)}`;
    const errors = this.#failed.get(task) ?? new Map<string, readonly ErrorInfo[]>();
    const others = errors.get(attemptKey(attempt)) ?? [];
    this.#failed.set(task, errors.set(attemptKey(attempt), [...others, outcome.error]));
  }

  /** @param who Drives this job, and nobody else under this name. */
  onEvent(who: string, spec: JobSpec, event: RunEvent): void {
    const drive = `${who}/${spec.id}`;
    if (event.kind === "started") this.#told.set(drive, new Map());
    if (event.kind !== "taskFailed") return;
    const task = taskKey(event);
    const tasks = this.#told.get(drive) ?? new Map<string, Told>();
    this.#told.set(drive, tasks);
    const told = tasks.get(task) ?? { all: 0, timeouts: 0 };
    tasks.set(task, told);
    told.all++;
    if (event.error.code === "TASK_TIMEOUT") told.timeouts++;
    const say = (what: string): void => void this.problems.push(`L19: ${spec.id}: task ${task} ${what}`);
    const failed = this.#failed.get(`${spec.id}/${task}`)?.size ?? 0;
    if (told.all - told.timeouts > failed)
      say(`is said to have failed ${told.all - told.timeouts} times, and ${failed} of its attempts did`);
    if (event.tries > told.all) say(`failed ${told.all} times, and ${event.tries} are counted`);
    const { attemptsMax } = spec.policy;
    if (event.retryInMs === undefined && event.error.retryable && told.all < attemptsMax)
      say(`failed ${told.all} times, and is not tried again, though it may fail ${attemptsMax} times`);
  }

  /** What is wrong with why the job failed, each time that it did. */
  onLog(job: JobId, records: readonly LogRecord[]): readonly string[] {
    return records.flatMap(({ events }) =>
      events.flatMap((event) => {
        if (event.kind !== "failed" || event.attempt === undefined) return [];
        const { attempt, error } = event;
        if (OF_DRIVERS.includes(error.code)) return [];
        const given = this.#failed.get(`${job}/${taskKey(attempt)}`)?.get(attemptKey(attempt)) ?? [];
        if (given.some((of) => shown(of) === shown(error))) return [];
        const was = given.length === 0 ? "did not fail" : `failed with ${given.map(shown).join(", ")}`;
        return [`L19: ${job} failed with ${shown(error)}, and its attempt ${attemptKey(attempt)} ${was}`];
      }),
    );
  }
}

function shown({ code, message, retryable, details }: ErrorInfo): string {
  const sorted = Object.entries(details).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([code, message, retryable, sorted]);
}
