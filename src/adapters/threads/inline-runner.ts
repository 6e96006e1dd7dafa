import { assert } from "../../base/assert.ts";
import { attemptKey } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type {
  ExecutionControl,
  TaskExecutor,
  TaskObserver,
  TaskRequest,
  TaskRunner,
} from "../../ports/task-runner.ts";
import { consoleToStderr } from "./console-to-stderr.ts";
import { limitLog } from "./log-limit.ts";

export interface InlineRunnerOptions {
  readonly executor: TaskExecutor;
  /** From being asked to stop until an attempt that waits for something counts as stopped. Default 1000. */
  readonly stopGraceMs?: number;
}

const PROGRESS_INTERVAL_MS = 200;
const STOP_GRACE_MS = 1000;

interface Current {
  readonly task: string;
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
  let ended: Promise<unknown> = Promise.resolve();

  const run = async (request: TaskRequest, observer: TaskObserver): Promise<TaskOutcome> => {
    const abort = new AbortController();
    let abandon = (_outcome: TaskOutcome): void => {};
    const abandoned = new Promise<TaskOutcome>((resolve) => {
      abandon = resolve;
    });
    let graceTimer: NodeJS.Timeout | undefined;
    const mine: Current = {
      task: attemptKey(request.assignment.attempt),
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
      const control = controlOf(mine, abort.signal, observer, () => current === mine);
      const outcome = await Promise.race([executor.execute(request, control), abandoned]);
      return mine.stopAsked ? { kind: "stopped" } : outcome;
    } finally {
      restoreConsole();
      clearTimeout(graceTimer);
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
      if (current?.task === attemptKey(attempt)) current.stop();
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
  signal: AbortSignal,
  observer: TaskObserver,
  alive: () => boolean,
): ExecutionControl {
  let shownAtMs = performance.now();
  return {
    stopRequested: () => current.stopAsked || !alive(),
    signal,
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
    breathe: () => new Promise((resolve) => setImmediate(resolve)),
  };
}
