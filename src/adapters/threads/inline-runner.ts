import { assert } from "../../base/assert.ts";
import { type AttemptId, type JobId, sameAttempt } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type {
  ExecutionControl,
  ImpureCall,
  TaskExecutor,
  TaskObserver,
  TaskRequest,
  TaskRunner,
} from "../../ports/task-runner.ts";
import { consoleToStderr } from "./console-to-stderr.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { limitLog } from "./log-limit.ts";

export interface InlineRunnerOptions {
  readonly executor: TaskExecutor;
  /** From being asked to stop until an attempt that waits for something counts as stopped. Default 1000. */
  readonly stopGraceMs?: number;
}

const PROGRESS_INTERVAL_MS = 200;
const STOP_GRACE_MS = 1000;
/** How long the event loop may wait for its next turn while there are pauses in which it could have one. */
const TURN_MS = 4;

const STOPPED: TaskOutcome = { kind: "stopped" };

/**
 * Runs one attempt at a time in this very thread, for debugging: breakpoints, stack traces and profiles are the
 * user's own. What threads protect from it does not: a loop of the user's that never ends cannot be stopped here,
 * and `process.exit` ends the process.
 */
export function createInlineRunner({
  executor,
  stopGraceMs = STOP_GRACE_MS,
}: InlineRunnerOptions): TaskRunner {
  let current: InlineAttempt | undefined;
  let closed = false;
  const breathe = createBreath();
  let ended: TaskOutcome | Promise<TaskOutcome> = STOPPED;

  return {
    slots: 1,
    room: () => (current === undefined ? 1 : 0),
    run(request, observer) {
      if (closed) return STOPPED;
      assert(current === undefined, "no more tasks are started than there are slots");
      const attempt = new InlineAttempt(request, observer, breathe, stopGraceMs, () => {
        current = undefined;
      });
      current = attempt;
      // Tasks that take microseconds follow one another without a turn of the event loop in between.
      const turn = breathe();
      const outcome =
        turn === undefined
          ? executor.execute(request, attempt)
          : turn.then(() => executor.execute(request, attempt));
      ended = outcome instanceof Promise ? attempt.endWith(outcome) : attempt.endAtOnce(outcome);
      return ended;
    },
    stop(job, attempt) {
      if (current?.job === job && sameAttempt(current.task, attempt)) current.stop();
    },
    async close() {
      closed = true;
      current?.stop();
      try {
        await ended;
      } catch {
        // Whoever ran it is told.
      }
    },
  };
}

/** One attempt until it has its outcome. What comes from the task after it was given up changes nothing any more. */
class InlineAttempt implements ExecutionControl {
  readonly job: JobId;
  readonly task: AttemptId;
  readonly breathe: () => Promise<void> | undefined;
  readonly #observer: TaskObserver;
  readonly #stopGraceMs: number;
  readonly #onEnded: () => void;
  readonly #restoreConsole = consoleToStderr();
  readonly #abort = new LazyAbort();
  #resolve: (outcome: TaskOutcome) => void = () => {};
  #graceTimer: NodeJS.Timeout | undefined;
  #log: ReturnType<typeof limitLog> | undefined;
  #shownAtMs = performance.now();
  #stopAsked = false;
  #ended = false;

  constructor(
    { job, assignment }: TaskRequest,
    observer: TaskObserver,
    breathe: () => Promise<void> | undefined,
    stopGraceMs: number,
    onEnded: () => void,
  ) {
    this.job = job.job;
    this.task = assignment.attempt;
    this.breathe = breathe;
    this.#observer = observer;
    this.#stopGraceMs = stopGraceMs;
    this.#onEnded = onEnded;
  }

  /** The task's outcome is here already; gives the attempt's. */
  endAtOnce(outcome: TaskOutcome): TaskOutcome {
    this.#close();
    return this.#stopAsked ? STOPPED : outcome;
  }

  /** Gives the attempt's outcome when the task's is there, or the attempt is given up. */
  endWith(ending: Promise<TaskOutcome>): Promise<TaskOutcome> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      ending.then(
        (outcome) => this.#end(outcome),
        (thrown: unknown) => {
          if (this.#close()) reject(thrown);
        },
      );
    });
  }

  #end(outcome: TaskOutcome): void {
    if (this.#close()) this.#resolve(this.#stopAsked ? STOPPED : outcome);
  }

  stop(): void {
    if (this.#stopAsked) return;
    this.#stopAsked = true;
    this.#abort.abort();
    this.#graceTimer = setTimeout(() => this.#end(STOPPED), this.#stopGraceMs);
  }

  #close(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#onEnded();
    this.#restoreConsole();
    if (this.#graceTimer !== undefined) clearTimeout(this.#graceTimer);
    return true;
  }

  stopRequested(): boolean {
    return this.#stopAsked || this.#ended;
  }
  get signal(): AbortSignal {
    return this.#abort.signal;
  }
  phase(): void {}
  progress(rowsIn: number, bytesIn: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#shownAtMs < PROGRESS_INTERVAL_MS || this.#ended) return;
    this.#shownAtMs = nowMs;
    this.#observer.onProgress({ rowsIn, bytesIn });
  }
  log(message: string, fields: string | undefined, warning?: ImpureCall): void {
    this.#log ??= limitLog((entry) => {
      if (!this.#ended) this.#observer.onLog(entry);
    });
    this.#log(message, fields, warning);
  }
}

/** Gives the event loop a turn where its last one is some time ago: a turn for each small batch would cost more than it. */
function createBreath(): () => Promise<void> | undefined {
  let turnMs = performance.now();
  const take = (resolve: () => void): void => {
    turnMs = performance.now();
    resolve();
  };
  return () => {
    if (performance.now() - turnMs < TURN_MS) return undefined;
    return new Promise((resolve) => setImmediate(take, resolve));
  };
}
