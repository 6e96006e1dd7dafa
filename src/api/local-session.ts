import { BicoastalError } from "../base/errors.ts";
import { jobId } from "../base/ids.ts";
import type { LogPage, LogSink, LogSource } from "../plan/task-logs.ts";
import type { TaskRunner } from "../ports/task-runner.ts";
import type { RunnableJob } from "../runtime/executor/job-loader.ts";
import type { JobSpec, LocalNode } from "../runtime/local-node.ts";
import { entryOfEvent } from "../runtime/log/event-entries.ts";
import { loggingRunner } from "../runtime/log/logging-runner.ts";
import type { LogItem } from "../runtime/log/read-logs.ts";
import { tracingRunner } from "../runtime/tracing/tracing-runner.ts";
import { type BundledJob, checkRun } from "./check-run.ts";
import type { Job } from "./job.ts";
import { type JobLogsParts, logsOf } from "./job-logs.ts";
import { outcomeOf } from "./outcome.ts";
import { type MachineSize, type RunSettings, runSettings } from "./run-settings.ts";
import {
  type CancelOptions,
  cancelRequestOf,
  type JobDetails,
  type JobOutcome,
  type JobState,
  type JobSummary,
  type LogsOptions,
  type ParamsThen,
  type RunOptions,
  type Session,
} from "./session.ts";
import { type FindTracing, traced } from "./traced.ts";

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
  readonly bundle: (job: Job) => Promise<BundledJob>;
  /** Threads, or this thread for `debug`. `job`: the one that built the plan, where this process has it. */
  readonly createRunner: (settings: RunSettings, job: RunnableJob | undefined) => Promise<TaskRunner>;
  readonly logs: LocalLogs;
  readonly jobEnded: JobLogsParts["jobEnded"];
  readonly clock: JobLogsParts["clock"];
  readonly tracing: FindTracing;
  readonly nowMs: () => number;
  readonly close: () => Promise<void>;
}

/** Where what jobs say is kept on this machine. */
export interface LocalLogs extends LogSink {
  readonly node: string;
  page(job: string, from: number): LogPage;
  remove(job: string): void;
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
    const startMs = this.#parts.nowMs();
    const { settings, bundle, request } = await checkRun(job, params, options, this.#parts);
    const names = { "bicoastal.job.name": request.name };
    return traced(this.#parts.tracing, "bicoastal run", names, async (span) => {
      const trace = span === undefined ? {} : { trace: span.context };
      const spec = await this.#parts.node.submit({ ...request, ...trace });
      span?.set({ "bicoastal.job": spec.id });
      return (await this.#drive(spec, settings, options, bundle.job, startMs)) as JobOutcome<Result>;
    });
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
    const { node, machine, createRunner, logs, nowMs } = this.#parts;
    const tracing = await this.#parts.tracing();
    const logging = loggingRunner(await createRunner(settings, job), logs);
    const runner = tracing === undefined ? logging : tracingRunner(logging, tracing, logs.node);
    try {
      const { debug } = settings;
      const driven = await node.drive(spec, {
        runner,
        debug,
        tracing,
        collectBytesMax: Math.min(settings.memory.collectBytesMax, machine.heapBytesMax * COLLECT_HEAP_PART),
        signal: options.signal,
        onEvent: (event) => {
          const entry = entryOfEvent(event);
          if (entry !== undefined) logs.write(spec.id, entry);
          options.onEvent?.(event);
        },
      });
      return outcomeOf(spec, driven, nowMs() - startMs);
    } finally {
      await runner.close();
    }
  }

  async submit(): Promise<never> {
    throw nothingLeftToRun();
  }
  async reopen(): Promise<never> {
    throw nothingLeftToRun();
  }
  async cancel(id: string, options: CancelOptions = {}): Promise<JobState> {
    return this.#parts.node.board.cancel(id, cancelRequestOf(options));
  }
  async jobs(): Promise<readonly JobSummary[]> {
    return this.#parts.node.board.list();
  }
  async job(id: string): Promise<JobDetails> {
    return this.#parts.node.board.read(id);
  }
  logs(id: string, options: LogsOptions = {}): AsyncIterable<LogItem> {
    const { logs, jobEnded, clock } = this.#parts;
    const source: LogSource = { node: logs.node, page: async (from) => logs.page(id, from) };
    return logsOf(id, options, { jobEnded, logSources: async () => [source], clock });
  }
  async remove(id: string): Promise<void> {
    await this.#parts.node.board.remove(id);
    this.#parts.logs.remove(id);
  }
  async close(): Promise<void> {
    await this.#parts.close();
  }
}

const nothingLeftToRun = (): BicoastalError =>
  new BicoastalError(
    "USAGE",
    "Without a store a job runs in this process, and ends with it: nothing can be left to run. Give --store (in a program `connect({ store })`) to have the nodes of a cluster run it.",
    { details: { option: "detach" } },
  );
