/**
 * What every function of a job is given as its last argument. All of it is the same on every attempt of a task,
 * whichever machine runs it, except `signal`.
 */
export interface TaskContext {
  /**
   * Adds to a counter of the job; only attempts that took effect are counted. `by` may be any finite number,
   * default 1. At most 1,000 names a task, of at most 100 characters.
   */
  readonly counter: (name: string, by?: number) => void;
  /** Shows a line while the job runs, and keeps it for `bicoastal logs`. The first 1,000 of each task, then how many were left out. */
  readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Aborted when the task should end early: it was stopped, or ran out of time. */
  readonly signal: AbortSignal;
  /** A number in [0, 1) from a generator seeded by job, stage and partition. */
  readonly random: () => number;
  /** When the job was submitted, ms since 1970: the same in every task and every attempt. */
  readonly now: number;
  /** Index of the task's partition within its stage, from 0. */
  readonly partition: number;
}
