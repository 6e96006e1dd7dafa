import { assert } from "../../base/assert.ts";
import { type AttemptId, type JobId, sameAttempt } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type {
  ExecutionControl,
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

interface Current {
  readonly job: JobId;
  readonly task: AttemptId;
  stopAsked: boolean;
  readonly stop: () => void;
}

/**
 * Runs one attempt at a time in this very thread, for debugging: breakpoints, stack traces and profiles are the
 * user's own. What threads protect from it does not: a loop of the user's that never ends cannot be stopped here,
 * and `process.exit` ends the process.
 */
export function createInlineRunner({
  executor,
  stopGraceMs = STOP_GRACE_MS,
}: InlineRunnerOptions): TaskRunner {
  let current: Current | undefined;
  let closed = false;
  const breathe = createBreath();
  let ended: Promise<TaskOutcome> = Promise.resolve({ kind: "stopped" });

  const run = (request: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> =>
    new Promise((resolve, reject) => {
      const abort = new LazyAbort();
      let graceTimer: NodeJS.Timeout | undefined;
      const restoreConsole = consoleToStderr();
      /** What comes from the task after it was given up changes nothing any more. */
      const end = (): boolean => {
        if (current !== mine) return false;
        current = undefined;
        restoreConsole();
        if (graceTimer !== undefined) clearTimeout(graceTimer);
        return true;
      };
      const onOutcome = (outcome: TaskOutcome): void => {
        if (end()) resolve(mine.stopAsked ? { kind: "stopped" } : outcome);
      };
      const onThrown = (thrown: unknown): void => {
        if (end()) reject(thrown);
      };
      const mine: Current = {
        job: request.job.job,
        task: request.assignment.attempt,
        stopAsked: false,
        stop() {
          if (mine.stopAsked) return;
          mine.stopAsked = true;
          abort.abort();
          graceTimer = setTimeout(() => onOutcome({ kind: "stopped" }), stopGraceMs);
        },
      };
      current = mine;
      const control = controlOf(mine, abort, observer, breathe, () => current === mine);
      const begin = (): void => void executor.execute(request, control).then(onOutcome, onThrown);
      // Tasks that take microseconds follow one another without a turn of the event loop in between.
      const turn = breathe();
      if (turn === undefined) begin();
      else void turn.then(begin);
    });

  return {
    slots: 1,
    room: () => (current === undefined ? 1 : 0),
    run(request, observer) {
      if (closed) return Promise.resolve({ kind: "stopped" });
      assert(current === undefined, "no more tasks are started than there are slots");
      ended = run(request, observer);
      return ended;
    },
    stop(job, attempt) {
      if (current?.job === job && sameAttempt(current.task, attempt)) current.stop();
    },
    async close() {
      closed = true;
      current?.stop();
      await ended.catch(() => {});
    },
  };
}

/** `alive`: whether the attempt still has no outcome, and so an observer. */
function controlOf(
  current: Current,
  abort: LazyAbort,
  observer: TaskObserver,
  breathe: () => Promise<void> | undefined,
  alive: () => boolean,
): ExecutionControl {
  let shownAtMs = performance.now();
  return {
    stopRequested: () => current.stopAsked || !alive(),
    get signal() {
      return abort.signal;
    },
    phase: () => {},
    progress(rowsIn, bytesIn) {
      const nowMs = performance.now();
      if (nowMs - shownAtMs < PROGRESS_INTERVAL_MS || !alive()) return;
      shownAtMs = nowMs;
      observer.onProgress({ rowsIn, bytesIn });
    },
    log: limitLog((entry) => {
      if (alive()) observer.onLog(entry);
    }),
    breathe,
  };
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
