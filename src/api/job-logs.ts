/** What a job said, from wherever it is kept. */

import type { LogSource } from "../plan/task-logs.ts";
import type { Clock } from "../ports/clock.ts";
import { type LogItem, readLogs } from "../runtime/log/read-logs.ts";
import type { LogsOptions } from "./session.ts";

/** Between two looks of somebody who follows. */
const LOOK_MS = 500;

export interface JobLogsParts {
  /** Whether the job has ended. Throws JOB_NOT_FOUND. */
  readonly jobEnded: (job: string) => Promise<boolean>;
  /** The nodes that hold a part of the job's log now. */
  readonly logSources: (job: string) => Promise<readonly LogSource[]>;
  readonly clock: Clock;
}

/** Throws JOB_NOT_FOUND. */
export async function* logsOf(
  job: string,
  { follow = false, signal }: LogsOptions,
  { jobEnded, logSources, clock }: JobLogsParts,
): AsyncGenerator<LogItem, void, undefined> {
  await jobEnded(job);
  yield* readLogs({
    sources: () => logSources(job),
    follow,
    hasEnded: () => jobEnded(job),
    pause: () => pauseFor(clock, LOOK_MS, signal),
    signal,
  });
}

/** At most so long, and no longer than until the signal. */
function pauseFor(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.setTimer(delayMs, done);
    signal?.addEventListener("abort", done);
  });
}
