/** What a program or the command line can do with jobs on one data directory. */
import type { ErrorInfo } from "../base/errors.ts";
import type { JobId } from "../base/ids.ts";
import type { RunEvent } from "../runtime/events.ts";
import type { LogItem } from "../runtime/log/read-logs.ts";
import type { Job } from "./job.ts";
import type { FlagTexts } from "./param-flag.ts";

export interface SessionOptions {
  /** Where jobs, their logs and blocks live. Default: `BICOASTAL_DATA_DIR`, else `.bicoastal` in the working directory. */
  readonly dataDir?: string;
  /**
   * The store of a cluster, such as `etcd://host1:2379,host2:2379`: its nodes run the jobs. The cluster's token is read
   * from `BICOASTAL_TOKEN`. Default: none, jobs run in this process.
   */
  readonly store?: string;
  /** How this process shows the cluster's nodes who it is, and knows them. Default: what `BICOASTAL_TLS_*` names, else no TLS. */
  readonly tls?: TlsOptions;
}

/** Mutual TLS: paths of PEM files. */
export interface TlsOptions {
  /** Certificates of the authorities whose certificates are trusted. */
  readonly ca: string;
  /** The own certificate, for serving and for asking. */
  readonly cert: string;
  /** Its private key, without a passphrase. */
  readonly key: string;
}

export interface RunOptions {
  /**
   * Tasks at a time, each in a thread of its own. From 1; default: the cores this process may use, or fewer where
   * `memory` is not enough for so many.
   */
  readonly threads?: number;
  /**
   * Memory over all threads, their heaps and buffers, and of what Node itself needs: bytes, or text such as "2GB".
   * At least 72 MiB and 48 MiB for each thread. What the program that calls `run` holds itself is not counted.
   * Default: half the machine's or container's.
   */
  readonly memory?: number | string;
  /** Runs every task in this thread, so that breakpoints and stack traces are your own. Default false. */
  readonly debug?: boolean;
  /** Tries of one task before the job fails. From 1; default 3. */
  readonly attempts?: number;
  /** Longest time one attempt of a task may take. Default: none. */
  readonly taskTimeoutMs?: number;
  /** Params as texts, such as a command line's flags; they win over the params given, and the job reads them (once). */
  readonly flags?: FlagTexts;
  /** Stops the job cleanly; it can be resumed. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
}

/** Those of `RunOptions` that the nodes of a cluster need. */
export type SubmitOptions = Pick<RunOptions, "attempts" | "taskTimeoutMs" | "flags">;

export interface CancelOptions {
  /** Told where the job's end is told. Default: "cancel was called". */
  readonly reason?: string;
  /** How long to wait for the job's end. Default 30,000. */
  readonly waitMs?: number;
}

const CANCEL_WAIT_MS = 30_000;

export const cancelRequestOf = ({
  reason = "cancel was called",
  waitMs = CANCEL_WAIT_MS,
}: CancelOptions) => ({
  reason,
  waitMs,
});

export interface LogsOptions {
  /** Goes on with what is said from now on, until the job ends. Default false. */
  readonly follow?: boolean;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

export interface JobOutcome<Result = unknown> {
  readonly job: JobId;
  readonly name: string;
  /** What `run` of the job stands for: rows, a value, or a record of them by name. */
  readonly result: Result;
  /** The same, end by end in the plan's order: enough to show the result without knowing the job. */
  readonly ends: readonly EndOutcome[];
  /** Whether `result` is a record by end name, or what the one end gave. */
  readonly shape: "single" | "record";
  readonly counters: Readonly<Record<string, number>>;
  /** Records and bytes read from the sources. */
  readonly rows: number;
  readonly bytes: number;
  readonly tasks: number;
  /** Tasks this call did not need to run, because an earlier one had. */
  readonly tasksResumed: number;
  readonly elapsedMs: number;
}

export type EndOutcome =
  | { readonly kind: "rows"; readonly name: string; readonly rows: readonly unknown[] }
  | { readonly kind: "value"; readonly name: string; readonly value: unknown }
  | {
      readonly kind: "written";
      readonly name: string;
      /** Absolute. */
      readonly directory: string;
      readonly files: number;
      readonly bytes: number;
      readonly rows: number;
    };

/** `interrupted`: not ended, and no process drives it now. */
export type JobState = "running" | "interrupted" | "succeeded" | "failed" | "cancelled";

export interface JobSummary {
  readonly job: JobId;
  readonly name: string;
  readonly state: JobState;
  readonly submittedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly tasksDone: number;
  readonly tasksTotal: number;
}

export interface JobDetails extends JobSummary {
  readonly params: unknown;
  /** Number of times a driver started on this job. */
  readonly epochs: number;
  readonly stages: readonly { readonly label: string; readonly tasks: number; readonly tasksDone: number }[];
  readonly counters: Readonly<Record<string, number>>;
  readonly error: ErrorInfo | undefined;
  /** In a cluster: nodes that get nothing new of this job for now, as tasks failed there that others have completed. */
  readonly setAside: readonly string[];
}

/** Params first, which may be left out where none is required; then options, which always may. */
export type ParamsThen<Params, Options> =
  // biome-ignore lint/complexity/noBannedTypes: no params at all is an object without fields
  {} extends Params ? [params?: Params, options?: Options] : [params: Params, options?: Options];

export interface Session {
  /** Submits the job and waits for its end. Throws the job's error; `details.job` names it for `resume`. */
  run<Params, Result>(
    job: Job<Params, Result>,
    ...rest: ParamsThen<Params, RunOptions>
  ): Promise<JobOutcome<Result>>;
  /** Goes on with a job that failed, was stopped or was switched off; completed tasks are not run again. */
  resume(job: string, options?: RunOptions): Promise<JobOutcome>;
  /**
   * Has the nodes of the cluster go on with a job that failed or was stopped, as `resume` does, and does not wait for it.
   * Harmless where it runs or has succeeded. Throws JOB_NOT_FOUND, and USAGE for a session without a store.
   */
  reopen(job: string): Promise<JobId>;
  /**
   * Gives the job to the nodes of the cluster and does not wait for it: once this resolves, it runs whatever becomes of
   * this process. Throws USAGE for a session without a store, whose jobs run in this process.
   */
  submit<Params>(job: Job<Params>, ...rest: ParamsThen<Params, SubmitOptions>): Promise<JobId>;
  /**
   * Asks whoever runs the job to stop it cleanly, and waits until it has; it can be resumed. Resolves with the job's state:
   * "running" where it had not ended in time, "interrupted" where nobody runs it. Harmless where it has ended. Throws
   * JOB_NOT_FOUND.
   */
  cancel(job: string, options?: CancelOptions): Promise<JobState>;
  /** Newest first. */
  jobs(): Promise<readonly JobSummary[]>;
  /** Throws JOB_NOT_FOUND. */
  job(job: string): Promise<JobDetails>;
  /**
   * What the job's tasks said (`ctx.log`), what its attempts failed of, and what became of them: from every node that holds a part
   * of it. In the order of the times that the nodes' clocks told, then of the nodes' names; of one node always as it wrote them. With
   * `follow`, first what is there in this order, then what was added since the last look, in this order again. A node keeps the
   * newest 8 MiB of a job, until the job is removed. Throws JOB_NOT_FOUND.
   */
  logs(job: string, options?: LogsOptions): AsyncIterable<LogItem>;
  /** Deletes a job that is not running, with its blocks. Throws JOB_RUNNING, JOB_NOT_FOUND. */
  remove(job: string): Promise<void>;
  close(): Promise<void>;
}
