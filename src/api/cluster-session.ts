import { BicoastalError } from "../base/errors.ts";
import { type JobId, jobId } from "../base/ids.ts";
import type { Span } from "../ports/tracing.ts";
import type { ClusterClient } from "../runtime/cluster/cluster-client.ts";
import type { JobBoard } from "../runtime/job-board.ts";
import type { JobSpec } from "../runtime/local-node.ts";
import type { LogItem } from "../runtime/log/read-logs.ts";
import type { SubmitRequest } from "../runtime/new-job.ts";
import { type BundledJob, checkRun } from "./check-run.ts";
import { isJob, type Job } from "./job.ts";
import { type JobLogsParts, logsOf } from "./job-logs.ts";
import { outcomeOf } from "./outcome.ts";
import type { MachineSize } from "./run-settings.ts";
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
  type SubmitOptions,
} from "./session.ts";
import { type FindTracing, traced } from "./traced.ts";

/** What a session with a cluster needs from the composition. */
export interface ClusterSessionParts {
  readonly client: ClusterClient;
  readonly board: JobBoard;
  readonly machine: MachineSize;
  /** As for a session on one machine; the code as well, which goes to the nodes. */
  readonly bundle: (job: Job) => Promise<ClusterBundle>;
  /** Lists the inputs and freezes the plan into a job. */
  readonly prepare: (request: SubmitRequest) => Promise<JobSpec>;
  readonly logSources: JobLogsParts["logSources"];
  readonly jobEnded: JobLogsParts["jobEnded"];
  readonly clock: JobLogsParts["clock"];
  readonly tracing: FindTracing;
  readonly nowMs: () => number;
  readonly close: () => Promise<void>;
}

export interface ClusterBundle extends BundledJob {
  readonly key: string;
  readonly code: Uint8Array;
}

/** Gives jobs to the nodes of a cluster and waits for them: nothing runs in this process. */
export class ClusterSession implements Session {
  readonly #parts: ClusterSessionParts;

  constructor(parts: ClusterSessionParts) {
    this.#parts = parts;
  }

  async run<Params, Result>(
    job: Job<Params, Result>,
    ...[params, options = {}]: ParamsThen<Params, RunOptions>
  ): Promise<JobOutcome<Result>> {
    const startMs = this.#parts.nowMs();
    return this.#traced(job, async (span) => {
      const spec = await this.#submit(job, params, options, span);
      return (await this.#follow(spec, options, startMs)) as JobOutcome<Result>;
    });
  }

  async submit<Params>(
    job: Job<Params>,
    ...[params, options = {}]: ParamsThen<Params, SubmitOptions>
  ): Promise<JobId> {
    return this.#traced(job, async (span) => (await this.#submit(job, params, options, span)).id);
  }

  #traced<T>(job: { readonly name: string }, work: (span: Span | undefined) => Promise<T>): Promise<T> {
    // What is no job is told so by whoever checks the run.
    const name = isJob(job) ? job.name : "";
    return traced(this.#parts.tracing, "bicoastal run", { "bicoastal.job.name": name }, work);
  }

  async #submit<Params, Result>(
    job: Job<Params, Result>,
    params: Partial<Params> | Params | undefined,
    options: RunOptions,
    span: Span | undefined,
  ): Promise<JobSpec> {
    refuseLocalOptions(options);
    const { client, prepare } = this.#parts;
    const { request, bundle } = await checkRun(job, params, options, this.#parts);
    const spec = await prepare(span === undefined ? request : { ...request, trace: span.context });
    span?.set({ "bicoastal.job": spec.id });
    await client.submit(spec, bundle);
    return spec;
  }

  async resume(id: string, options: RunOptions = {}): Promise<JobOutcome> {
    refuseLocalOptions(options);
    const startMs = this.#parts.nowMs();
    const spec = await this.#parts.client.resume(jobId(id));
    return this.#follow(spec, options, startMs);
  }

  async reopen(id: string): Promise<JobId> {
    return (await this.#parts.client.resume(jobId(id))).id;
  }

  /** Until the job ends, wherever it is driven. */
  async #follow(
    spec: JobSpec,
    { signal, onEvent = () => {} }: RunOptions,
    startMs: number,
  ): Promise<JobOutcome> {
    const { client, nowMs } = this.#parts;
    const stages = spec.stages.map(({ id, label, tasks }) => ({ id, label, tasks }));
    onEvent({ kind: "started", job: spec.id, stages, tasksResumed: 0 });
    const stopListening = this.#cancelOnAbort(spec.id, signal, onEvent);
    try {
      const end = await client.ended(spec.id, (progress) => onEvent({ kind: "progress", progress }));
      const state = await client.state(spec);
      const results = end.kind === "committed" ? await client.results(spec.id, end) : [];
      if (state.status.kind === "running")
        throw new BicoastalError("JOB_RUNNING", `Job ${spec.id} was resumed by somebody else meanwhile.`);
      return outcomeOf(spec, { end: state.status, results, state, tasksResumed: 0 }, nowMs() - startMs);
    } finally {
      stopListening();
    }
  }

  #cancelOnAbort(
    job: JobId,
    signal: AbortSignal | undefined,
    onEvent: NonNullable<RunOptions["onEvent"]>,
  ): () => void {
    if (signal === undefined) return () => {};
    const onAbort = (): void => {
      const reason = signal.reason instanceof Error ? signal.reason.message : String(signal.reason);
      onEvent({ kind: "stopping", reason });
      // Tried until the store takes it; the job may have ended by then.
      void this.#parts.client.cancel(job, reason).catch(() => {});
    };
    if (signal.aborted) queueMicrotask(onAbort);
    else signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  }

  async cancel(id: string, options: CancelOptions = {}): Promise<JobState> {
    return this.#parts.board.cancel(id, cancelRequestOf(options));
  }
  async jobs(): Promise<readonly JobSummary[]> {
    return this.#parts.board.list();
  }
  async job(id: string): Promise<JobDetails> {
    return this.#parts.board.read(id);
  }
  logs(id: string, options: LogsOptions = {}): AsyncIterable<LogItem> {
    return logsOf(id, options, this.#parts);
  }
  async remove(id: string): Promise<void> {
    await this.#parts.board.remove(id);
  }
  async close(): Promise<void> {
    await this.#parts.close();
  }
}

/** Throws USAGE for what each node decides for itself. */
function refuseLocalOptions(options: RunOptions): void {
  for (const option of ["threads", "memory", "debug"] as const) {
    if (options[option] === undefined) continue;
    throw new BicoastalError(
      "USAGE",
      `Option ${option} is for a run on this machine; with a store, each node has its own. Leave it out, or give it to \`bicoastal node\`.`,
      { details: { option } },
    );
  }
}
