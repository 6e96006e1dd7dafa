/** Has what attempts say, and what they fail of, written to their jobs' logs, on the node that runs them. */
import type { ErrorCode } from "../../base/errors.ts";
import type { AttemptId, JobId } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { LogSink } from "../../plan/task-logs.ts";
import type { TaskLogEntry, TaskObserver, TaskProgress, TaskRunner } from "../../ports/task-runner.ts";

/** Jobs whose warnings are remembered. */
const JOBS_MAX = 1_000;

const BLOCK_CODES: ReadonlySet<ErrorCode> = new Set(["BLOB_MISSING", "BLOB_CORRUPT", "PEER_UNREACHABLE"]);

/** The same runner. */
export function loggingRunner(runner: TaskRunner, sink: LogSink): TaskRunner {
  const warned = new Warned();
  return {
    get slots() {
      return runner.slots;
    },
    room: () => runner.room(),
    run(request, observer) {
      const { job } = request.job;
      const { attempt } = request.assignment;
      const outcome = runner.run(request, new LoggingObserver(job, attempt, observer, sink, warned));
      if (!(outcome instanceof Promise)) {
        logOutcome(sink, job, attempt, outcome);
        return outcome;
      }
      // Beside whoever waits for it: that one is not to wait for this. What rejects is told there.
      void outcome.then(
        (ended) => logOutcome(sink, job, attempt, ended),
        () => {},
      );
      return outcome;
    },
    stop: (job, attempt) => runner.stop(job, attempt),
    close: () => runner.close(),
  };
}

function logOutcome(sink: LogSink, job: JobId, attempt: AttemptId, outcome: TaskOutcome): void {
  if (outcome.kind !== "failed") return;
  const { code, message, details, stack } = outcome.error;
  sink.write(job, {
    // Blocks of others that are gone or cannot be read are read or made again, and are no fault of this task.
    level: BLOCK_CODES.has(code) ? "warn" : "error",
    attempt,
    message,
    error: { code, details, ...(stack === undefined ? {} : { stack }) },
  });
}

/** Which calls of a job were warned of: every thread tells of each. */
class Warned {
  readonly #jobs = new Map<JobId, Set<string>>();

  isFirst(job: JobId, call: string): boolean {
    let calls = this.#jobs.get(job);
    if (calls === undefined) {
      calls = new Set();
      this.#jobs.set(job, calls);
      const [oldest] = this.#jobs.keys();
      if (this.#jobs.size > JOBS_MAX && oldest !== undefined) this.#jobs.delete(oldest);
    }
    if (calls.has(call)) return false;
    calls.add(call);
    return true;
  }
}

class LoggingObserver implements TaskObserver {
  readonly #job: JobId;
  readonly #attempt: AttemptId;
  readonly #observer: TaskObserver;
  readonly #sink: LogSink;
  readonly #warned: Warned;

  constructor(job: JobId, attempt: AttemptId, observer: TaskObserver, sink: LogSink, warned: Warned) {
    this.#job = job;
    this.#attempt = attempt;
    this.#observer = observer;
    this.#sink = sink;
    this.#warned = warned;
  }

  onProgress(progress: TaskProgress): void {
    this.#observer.onProgress(progress);
  }

  onLog(entry: TaskLogEntry): void {
    const { message, fields, warning } = entry;
    const attempt = this.#attempt;
    if (warning === undefined) this.#sink.write(this.#job, { level: "info", attempt, message, fields });
    else if (this.#warned.isFirst(this.#job, warning))
      this.#sink.write(this.#job, { level: "warn", attempt, message });
    this.#observer.onLog(entry);
  }
}
