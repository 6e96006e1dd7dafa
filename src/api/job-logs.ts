/** What a job said, from wherever it is kept. */
import type { Clock } from "../ports/clock.ts";
import type { LogSource } from "../ports/task-logs.ts";
import type { JobBoard } from "../runtime/job-board.ts";
import { type LogItem, readLogs } from "../runtime/log/read-logs.ts";
import type { LogsOptions } from "./session.ts";

/** Between two looks of somebody who follows. */
const LOOK_MS = 500;

export interface JobLogsParts {
  readonly board: JobBoard;
  /** The nodes that hold a part of the job's log now. */
  readonly logSources: (job: string) => Promise<readonly LogSource[]>;
  readonly clock: Clock;
}

/** Throws JOB_NOT_FOUND. */
export async function* logsOf(
  job: string,
  { follow = false, signal }: LogsOptions,
  { board, logSources, clock }: JobLogsParts,
): AsyncGenerator<LogItem, void, undefined> {
  const stateOf = async (): Promise<string> => (await board.read(job)).state;
  await stateOf();
  yield* readLogs({
    sources: () => logSources(job),
    follow,
    // Interrupted: nobody says anything until it is resumed. In a cluster that lasts for a moment only.
    hasEnded: async () => ["succeeded", "failed", "cancelled"].includes(await stateOf()),
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
