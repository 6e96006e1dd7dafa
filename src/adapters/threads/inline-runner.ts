import { assert } from "../../base/assert.ts";
import { type AttemptId, sameAttempt } from "../../base/ids.ts";
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
  let ended: Promise<unknown> = Promise.resolve();

  const run = async (request: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> => {
    const abort = new LazyAbort();
    let abandon = (_outcome: TaskOutcome): void => {};
    let graceTimer: NodeJS.Timeout | undefined;
    const mine: Current = {
      task: request.assignment.attempt,
      stopAsked: false,
      stop() {
        if (mine.stopAsked) return;
        mine.stopAsked = true;
        abort.abort();
        graceTimer = setTimeout(() => abandon({ kind: "stopped" }), stopGraceMs);
      },
    };
    current = mine;
    const restoreConsole = consoleToStderr();
    try {
      // Tasks that take microseconds follow one another without a turn of the event loop in between.
      await breathe();
      const control = controlOf(mine, abort, observer, breathe, () => current === mine);
      const outcome = await new Promise<TaskOutcome>((resolve, reject) => {
        abandon = resolve;
        executor.execute(request, control).then(resolve, reject);
      });
      return mine.stopAsked ? { kind: "stopped" } : outcome;
    } finally {
      restoreConsole();
      if (graceTimer !== undefined) clearTimeout(graceTimer);
      current = undefined;
    }
  };

  return {
    slots: 1,
    room: () => (current === undefined ? 1 : 0),
    run(request, observer) {
      if (closed) return Promise.resolve({ kind: "stopped" });
      assert(current === undefined, "no more tasks are started than there are slots");
      const outcome = run(request, observer);
      ended = outcome.catch(() => {});
      return outcome;
    },
    stop(attempt) {
      if (current !== undefined && sameAttempt(current.task, attempt)) current.stop();
    },
    async close() {
      closed = true;
      current?.stop();
      await ended;
    },
  };
}

/** `alive`: whether the attempt still has no outcome, and so an observer. */
function controlOf(
  current: Current,
  abort: LazyAbort,
  observer: TaskObserver,
  breathe: () => Promise<void>,
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
function createBreath(): () => Promise<void> {
  const soon = Promise.resolve();
  let turnMs = performance.now();
  const take = (resolve: () => void): void => {
    turnMs = performance.now();
    resolve();
  };
  return () => {
    if (performance.now() - turnMs < TURN_MS) return soon;
    return new Promise((resolve) => setImmediate(take, resolve));
  };
}
