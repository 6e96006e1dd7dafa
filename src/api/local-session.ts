import { unreachable } from "../base/assert.ts";
import { BicoastalError, type ErrorInfo, fromErrorInfo } from "../base/errors.ts";
import { type ContentHash, jobId } from "../base/ids.ts";
import type { TaskRunner } from "../ports/task-runner.ts";

import type { EndResult } from "../runtime/commit.ts";
import type { Driven } from "../runtime/drive-job.ts";
import type { RunnableJob } from "../runtime/executor/job-loader.ts";
import { countersOf } from "../runtime/job-board.ts";
import type { JobSpec, LocalNode } from "../runtime/local-node.ts";
import { isJob, type Job } from "./job.ts";
import { type MachineSize, type RunSettings, runSettings } from "./run-settings.ts";
import type { JobDetails, JobOutcome, JobSummary, ParamsThen, RunOptions, Session } from "./session.ts";
import { showValue } from "./show-value.ts";

/** Of the heap that V8 gives this thread, what rows brought back to the caller may fill: it ends the process at its limit. */
const COLLECT_HEAP_PART = 0.6;

/** What a session needs from the composition. */
export interface LocalSessionParts {
  readonly node: LocalNode;
  readonly machine: MachineSize;
  /**
   * Makes the job's module a stored bundle, and loads the job from it. The plan is built by that one, as it will be
   * in the threads: the texts of its functions are those of the bundle, not those of the program that called `run`.
   */
  readonly bundle: (job: Job) => Promise<{ readonly hash: ContentHash; readonly job: RunnableJob }>;
  /** Threads, or this thread for `debug`. `job`: the one that built the plan, where this process has it. */
  readonly createRunner: (settings: RunSettings, job: RunnableJob | undefined) => Promise<TaskRunner>;
  readonly nowMs: () => number;
  readonly close: () => Promise<void>;
}

export class LocalSession implements Session {
  readonly #parts: LocalSessionParts;

  constructor(parts: LocalSessionParts) {
    this.#parts = parts;
  }

  async run<Params, Result>(
    job: Job<Params, Result>,
    ...[params, options = {}]: ParamsThen<Params, RunOptions>
  ): Promise<JobOutcome<Result>> {
    if (!isJob(job)) {
      throw new BicoastalError(
        "JOB_INVALID",
        `run() was given ${showValue(job)}; it takes what job({ … }) returned.`,
      );
    }
    const startMs = this.#parts.nowMs();
    const settings = runSettings(options, this.#parts.machine);
    const parsed = await job.parseParams(params ?? {}, options.flags);
    const bundled = await this.#parts.bundle(job);
    const plan = bundled.job.build(parsed);
    const { name } = job;
    const spec = await this.#parts.node.submit({
      ...settings,
      name,
      params: parsed,
      plan,
      bundle: bundled.hash,
    });
    return (await this.#drive(spec, settings, options, bundled.job, startMs)) as JobOutcome<Result>;
  }

  async resume(id: string, options: RunOptions = {}): Promise<JobOutcome> {
    const startMs = this.#parts.nowMs();
    const settings = runSettings(options, this.#parts.machine);
    const spec = await this.#parts.node.board.spec(jobId(id));
    return this.#drive(spec, settings, options, undefined, startMs);
  }

  async #drive(
    spec: JobSpec,
    settings: RunSettings,
    options: RunOptions,
    job: RunnableJob | undefined,
    startMs: number,
  ): Promise<JobOutcome> {
    const { node, machine, createRunner, nowMs } = this.#parts;
    const runner = await createRunner(settings, job);
    try {
      const { debug } = settings;
      const driven = await node.drive(spec, {
        runner,
        debug,
        collectBytesMax: Math.min(settings.memory.collectBytesMax, machine.heapBytesMax * COLLECT_HEAP_PART),
        signal: options.signal,
        onEvent: options.onEvent ?? (() => {}),
      });
      return outcomeOf(spec, driven, nowMs() - startMs);
    } finally {
      await runner.close();
    }
  }

  async jobs(): Promise<readonly JobSummary[]> {
    return this.#parts.node.board.list();
  }
  async job(id: string): Promise<JobDetails> {
    return this.#parts.node.board.read(id);
  }
  async remove(id: string): Promise<void> {
    await this.#parts.node.board.remove(id);
  }
  async close(): Promise<void> {
    await this.#parts.close();
  }
}

/** Throws the job's own error where it did not commit. */
function outcomeOf(
  spec: JobSpec,
  { end, results, state, tasksResumed }: Driven,
  elapsedMs: number,
): JobOutcome {
  switch (end.kind) {
    case "committed":
      break;
    case "failed":
      throw ofJob(spec, end.error);
    case "cancelled":
      throw new BicoastalError("JOB_CANCELLED", `Job ${spec.id} was stopped: ${end.reason}`, {
        retryable: true,
        details: { job: spec.id },
      });
    default:
      return unreachable(end);
  }
  let rows = 0;
  let bytes = 0;
  let tasks = 0;
  for (const { attempt, output } of state.outputs()) {
    tasks++;
    if (spec.stages[attempt.stage]?.input.kind !== "source") continue;
    rows += output.rowsIn;
    bytes += output.bytesIn;
  }
  const { id: job, name, shape } = spec;
  return {
    job,
    name,
    result: resultOf(spec, results),
    ends: results,
    shape,
    counters: countersOf(state),
    rows,
    bytes,
    tasks,
    tasksResumed,
    elapsedMs,
  };
}

/** The error as it was thrown, naming the job that can be resumed. */
function ofJob(spec: JobSpec, error: ErrorInfo): BicoastalError {
  return fromErrorInfo({ ...error, details: { ...error.details, job: spec.id } });
}

function resultOf(spec: JobSpec, results: readonly EndResult[]): unknown {
  const values = results.map((result): [string, unknown] => {
    switch (result.kind) {
      case "rows":
        return [result.name, result.rows];
      case "value":
        return [result.name, result.value];
      case "written": {
        const { directory, files, rows, bytes } = result;
        return [result.name, { directory, files, rows, bytes }];
      }
      default:
        return unreachable(result);
    }
  });
  return spec.shape === "single" ? values[0]?.[1] : Object.fromEntries(values);
}
