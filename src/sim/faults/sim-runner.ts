import { type AttemptId, attemptKey, type JobId } from "../../base/ids.ts";
import type { Prng } from "../../base/prng.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { ExecutionControl, TaskExecutor, TaskRequest, TaskRunner } from "../../ports/task-runner.ts";
import type { SimProcess } from "../process.ts";
import type { Trace } from "../trace.ts";
import type { FaultRates } from "./rates.ts";

const TASK_MS_MAX = 400;
const SLOW_FACTOR = 25;

/** Runs the shipped executor and engine, at a virtual speed, in attempts that may die or never end. It may be slow, or sick. */
export class SimRunner implements TaskRunner {
  readonly slots: number;
  readonly #process: SimProcess;
  readonly #executor: TaskExecutor;
  readonly #random: Prng;
  readonly #rates: () => FaultRates;
  readonly #trace: Trace;
  readonly #stops = new Map<string, () => void>();
  readonly #isSlow: boolean;
  readonly #isSick: boolean;

  constructor(
    slots: number,
    process: SimProcess,
    executor: TaskExecutor,
    random: Prng,
    rates: () => FaultRates,
    trace: Trace,
  ) {
    this.slots = slots;
    this.#process = process;
    this.#executor = executor;
    this.#random = random;
    this.#rates = rates;
    this.#trace = trace;
    this.#isSlow = random.chance(rates().nodeIsSlow);
    if (this.#isSlow) trace.fault("nodeIsSlow", process.name);
    this.#isSick = random.chance(rates().nodeIsSick);
    if (this.#isSick) trace.fault("nodeIsSick", process.name);
  }

  room(): number {
    return this.slots - this.#stops.size;
  }

  run(request: TaskRequest): Promise<TaskOutcome> {
    const key = attemptKey(request.assignment.attempt);
    const { attemptDies, attemptHangs, nodeIsSlow, nodeIsSick } = this.#rates();
    const dies = this.#random.chance(attemptDies) || (this.#isSick && nodeIsSick > 0);
    const hangs = this.#random.chance(attemptHangs);
    const factor = this.#isSlow && nodeIsSlow > 0 ? SLOW_FACTOR : 1;
    const beforeMs = factor * this.#random.below(TASK_MS_MAX);
    const afterMs = factor * this.#random.below(TASK_MS_MAX);
    return new Promise((resolve) => {
      const end = (outcome: TaskOutcome): void => {
        this.#stops.delete(key);
        resolve(outcome);
      };
      this.#stops.set(key, () => end({ kind: "stopped" }));
      if (hangs) return this.#trace.fault("attemptHangs", `${key} on ${this.#process.name}`);
      this.#process.after(beforeMs, () => {
        void this.#executor.execute(request, controlOf()).then((outcome) => {
          this.#process.after(afterMs, () => end(dies ? this.#death(key) : outcome));
        });
      });
    });
  }

  /** The work was done, and whoever did it died before it could say so. */
  #death(key: string): TaskOutcome {
    this.#trace.fault("attemptDies", `${key} on ${this.#process.name}`);
    const error = {
      code: "THREAD_DIED",
      message: "The simulated thread died",
      retryable: true,
      details: {},
    } as const;
    return { kind: "failed", error, lostBlocks: [] };
  }

  stop(_job: JobId, attempt: AttemptId): void {
    const stop = this.#stops.get(attemptKey(attempt));
    if (stop !== undefined) this.#process.after(1, stop);
  }

  async close(): Promise<void> {
    for (const stop of [...this.#stops.values()]) stop();
  }
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
