import type { ErrorCode } from "../../base/errors.ts";
import { type AttemptId, attemptKey, type JobId } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { ExecutionControl, TaskExecutor, TaskRequest, TaskRunner } from "../../ports/task-runner.ts";
import type { SimProcess } from "../process.ts";
import type { Faults } from "./faults.ts";

const SLOW_FACTOR = 25;
/** A function that does not return is waited for, before its thread is ended. */
const STOP_MS_MAX = 10_000;

/** What an attempt may end with whatever it does. */
const DEATHS = [
  ["attemptDies", "THREAD_DIED", "The simulated thread died"],
  ["userThrows", "USER_FUNCTION", "The simulated function threw"],
  ["memoryExhausted", "OUT_OF_MEMORY", "The simulated attempt ran out of memory"],
] as const;

/** Whoever looks on. */
export interface AttemptWatch {
  /** It is under way. */
  readonly onAttempt: (request: TaskRequest) => void;
  /** It has ended like this, as far as its worker hears. */
  readonly onOutcome: (request: TaskRequest, outcome: TaskOutcome) => void;
}

/** Runs the shipped executor and engine, at a virtual speed, in attempts that may fail or never end. It may be slow, or sick. */
export class SimRunner implements TaskRunner {
  readonly slots: number;
  readonly #process: SimProcess;
  readonly #executor: TaskExecutor;
  readonly #faults: Faults;
  readonly #watch: AttemptWatch;
  readonly #stops = new Map<string, () => void>();
  readonly #isSlow: boolean;
  readonly #isSick: boolean;

  constructor(
    slots: number,
    process: SimProcess,
    executor: TaskExecutor,
    faults: Faults,
    watch: AttemptWatch,
  ) {
    this.slots = slots;
    this.#process = process;
    this.#executor = executor;
    this.#faults = faults;
    this.#watch = watch;
    this.#isSlow = faults.happens("nodeIsSlow", () => process.name);
    this.#isSick = faults.happens("nodeIsSick", () => process.name);
  }

  room(): number {
    return this.slots - this.#stops.size;
  }

  run(request: TaskRequest): Promise<TaskOutcome> {
    const key = attemptKey(request.assignment.attempt);
    const name = nameOf(request.job.job, request.assignment.attempt);
    const { random, rates, points, weather } = this.#faults;
    const hangs = this.#faults.happens("attemptHangs", () => `${key} on ${this.#process.name}`);
    const death = this.#deathOf(key);
    const factor = this.#isSlow && rates.nodeIsSlow > 0 ? SLOW_FACTOR : 1;
    const beforeMs = factor * random.below(weather.taskMsMax);
    const afterMs = factor * random.below(weather.taskMsMax);
    return new Promise((resolve) => {
      const end = (outcome: TaskOutcome): void => {
        // What a thread has to say waits until the main thread listens.
        this.#process.enter(() => {
          this.#stops.delete(name);
          this.#watch.onOutcome(request, outcome);
          resolve(outcome);
        });
      };
      this.#stops.set(name, () => end({ kind: "stopped" }));
      if (hangs) return;
      points.pass(this.#process, "starting an attempt");
      this.#process.afterInThread(beforeMs, () => {
        this.#watch.onAttempt(request);
        void Promise.resolve(this.#executor.execute(request, controlOf())).then((outcome) => {
          points.pass(this.#process, "attempt done");
          this.#process.afterInThread(afterMs, () => {
            points.pass(this.#process, "ending an attempt");
            if (this.#process.alive) end(death ?? outcome);
          });
        });
      });
    });
  }

  /** The work is done, and whoever does it goes down before it can say so. */
  #deathOf(key: string): TaskOutcome | undefined {
    for (const [kind, code, message] of DEATHS) {
      if (this.#faults.happens(kind, () => `${key} on ${this.#process.name}`)) return failure(code, message);
    }
    if (!this.#isSick || this.#faults.rates.nodeIsSick === 0) return undefined;
    return failure("THREAD_DIED", "The simulated node is sick");
  }

  stop(job: JobId, attempt: AttemptId): void {
    const stop = this.#stops.get(nameOf(job, attempt));
    if (stop === undefined) return;
    const { random } = this.#faults;
    const late = this.#faults.happens("stopLate", () => `${attemptKey(attempt)} on ${this.#process.name}`);
    this.#process.afterInThread(late ? random.below(STOP_MS_MAX) : 1, stop);
  }

  async close(): Promise<void> {
    for (const stop of [...this.#stops.values()]) stop();
  }
}

/** Several jobs have attempts of one name. */
const nameOf = (job: JobId, attempt: AttemptId): string => `${job}/${attemptKey(attempt)}`;

function failure(code: ErrorCode, message: string): TaskOutcome {
  return { kind: "failed", error: { code, message, retryable: true, details: {} }, lostBlocks: [] };
}

function controlOf(): ExecutionControl {
  return {
    stopRequested: () => false,
    signal: new AbortController().signal,
    phase: () => {},
    progress: () => {},
    log: () => {},
    breathe: undefined,
  };
}
