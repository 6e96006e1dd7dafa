/** Reading and removing jobs: what the store and the blobs say of them, driver or no driver. */
import { BicoastalError, type ErrorCode, type ErrorInfo } from "../base/errors.ts";
import { type JobId, jobId } from "../base/ids.ts";
import type { JobState } from "../core/job-state.ts";
import type { BlobStore } from "../ports/blob-store.ts";
import { type ControlStore, prefixEnd } from "../ports/control-store.ts";
import type { Outputs } from "../ports/outputs.ts";
import { decodeSpec } from "../protocol/codec.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import { outputTargets } from "./commit.ts";
import { blobKeys, CARD_PREFIX, jobKeys } from "./job-keys.ts";
import { type DriverOwner, decodeCard, type JobCard, JobLog, jobNotFound } from "./job-log.ts";
import { askToStop } from "./job-stop.ts";
import { replayLog } from "./replay-log.ts";
import { pause, type RetryClock } from "./retry.ts";
import { setAsideBy } from "./set-aside.ts";

/** `interrupted`: not ended, and no process drives it now. */
export type JobRunState = "running" | "interrupted" | "succeeded" | "failed" | "cancelled";

export interface JobView {
  readonly job: JobId;
  readonly name: string;
  readonly state: JobRunState;
  readonly submittedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly tasksDone: number;
  readonly tasksTotal: number;
}

export interface JobFullView extends JobView {
  readonly params: unknown;
  readonly epochs: number;
  readonly stages: readonly { readonly label: string; readonly tasks: number; readonly tasksDone: number }[];
  readonly counters: Readonly<Record<string, number>>;
  readonly error: ErrorInfo | undefined;
  /** In a cluster: nodes that get nothing new of this job for now, as tasks failed there that others have completed. */
  readonly setAside: readonly string[];
}

/** How often it is looked whether a job that was asked to stop has done so. */
const STOP_LOOK_MS = 100;

export interface CancelRequest {
  /** Shown where the job's end is told. */
  readonly reason: string;
  /** How long to wait for the job's end. */
  readonly waitMs: number;
}

export interface BoardPorts {
  readonly store: ControlStore;
  readonly blobs: BlobStore;
  readonly outputs: Outputs;
  readonly timing: RetryClock;
  /** Where a job's spec is found. Default: among the blobs. Throws JOB_NOT_FOUND. */
  readonly readSpec?: (job: JobId) => Promise<JobSpec>;
  /** Whether a driver on record is certainly gone. */
  readonly isDead: (owner: DriverOwner) => boolean;
}

const JOB_STATES = {
  running: "interrupted",
  committed: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
} as const;

export class JobBoard {
  readonly #ports: BoardPorts;

  constructor(ports: BoardPorts) {
    this.#ports = ports;
  }

  /** Newest first; of one moment, by id. */
  async list(): Promise<readonly JobView[]> {
    const { entries } = await this.#ports.store.range(CARD_PREFIX, prefixEnd(CARD_PREFIX));
    const views = await Promise.all(
      entries.map((entry) => this.#viewOf(jobId(entry.key.slice(CARD_PREFIX.length)), decodeCard(entry))),
    );
    const order = (a: JobView, b: JobView): number =>
      b.submittedAtMs - a.submittedAtMs || (a.job < b.job ? -1 : 1);
    return views.filter((view) => view !== undefined).sort(order);
  }

  /** From the card alone where the job has ended; else from its log. */
  async #viewOf(job: JobId, card: JobCard | undefined): Promise<JobView | undefined> {
    const { name = "", submittedAtMs = 0, tasks: tasksTotal = 0, end } = card ?? {};
    if (end !== undefined) {
      const { atMs: endedAtMs, tasksDone } = end;
      return { job, name, state: JOB_STATES[end.kind], submittedAtMs, endedAtMs, tasksDone, tasksTotal };
    }
    try {
      return await this.read(job);
    } catch (error) {
      // A job may be removed between the list and this.
      if (isOneOf(error, ["JOB_NOT_FOUND"])) return undefined;
      if (!isOneOf(error, DAMAGED)) throw error;
      // It hides no other job, and can be seen and removed.
      return {
        job,
        name,
        state: "interrupted",
        submittedAtMs,
        endedAtMs: undefined,
        tasksDone: 0,
        tasksTotal,
      };
    }
  }

  /** Throws JOB_NOT_FOUND. */
  async read(id: string): Promise<JobFullView> {
    const job = jobId(id);
    const { records, owner } = await this.#log(job).read();
    const spec = await this.spec(job);
    const state = replayLog(spec, records);
    const { status } = state;
    const driven = status.kind === "running" && owner !== undefined && !this.#ports.isDead(owner);
    const stages = spec.stages.map(({ id: stage, label, tasks }) => {
      return { label, tasks, tasksDone: tasks - state.tasksRemaining(stage) };
    });
    return {
      job,
      name: spec.name,
      state: driven ? "running" : JOB_STATES[status.kind],
      submittedAtMs: spec.constants.submittedAtMs,
      endedAtMs: status.kind === "running" ? undefined : status.atMs,
      tasksDone: stages.reduce((sum, stage) => sum + stage.tasksDone, 0),
      tasksTotal: stages.reduce((sum, stage) => sum + stage.tasks, 0),
      params: spec.params,
      epochs: state.epoch,
      stages,
      counters: countersOf(state),
      error: status.kind === "failed" ? status.error : undefined,
      setAside: driven ? await setAsideBy(this.#ports.store, job) : [],
    };
  }

  /** The job as it was submitted. Throws JOB_NOT_FOUND. */
  async spec(job: JobId): Promise<JobSpec> {
    const { readSpec } = this.#ports;
    if (readSpec !== undefined) return readSpec(job);
    const key = blobKeys(job).spec;
    if (!(await this.#ports.blobs.has(key))) throw jobNotFound(job);
    return decodeSpec(await this.#ports.blobs.get(key), `The stored job ${job}`);
  }

  /**
   * Removes the job and all it has staged; what it committed stays. Of a damaged job the staged files cannot be found,
   * and stay too. Throws JOB_NOT_FOUND, JOB_RUNNING.
   */
  async remove(id: string): Promise<void> {
    const job = jobId(id);
    const { owner, epochEntry } = await this.#log(job).readOwner();
    const state = await unlessDamaged(this.read(job).then((view) => view.state));
    const driven = owner !== undefined && !this.#ports.isDead(owner);
    if (state === "running" || (state === undefined && driven)) throw jobRuns(job);
    const spec = await unlessDamaged(this.spec(job));
    for (const target of spec === undefined ? [] : outputTargets(spec))
      await this.#ports.outputs.discard(target);
    const { prefix, card, epoch, open, cancel, progress } = jobKeys(job);
    const { succeeded } = await this.#ports.store.txn({
      compare: [{ key: epoch, target: "modRevision", op: "=", value: epochEntry.modRevision }],
      success: [
        { kind: "deleteRange", from: prefix, to: prefixEnd(prefix) },
        ...[card, open, cancel, progress].map((key) => ({ kind: "delete", key }) as const),
      ],
    });
    // Somebody resumed it meanwhile.
    if (!succeeded) throw jobRuns(job);
    await this.#ports.blobs.deleteAll(blobKeys(job).prefix);
  }

  /**
   * Asks whoever drives the job to stop it, and waits until it has. Gives the job's state then: "running" where it had
   * not ended in time, or "interrupted" where nobody drives it now; the wish then stands for whoever drives it next in a
   * cluster. Throws JOB_NOT_FOUND.
   */
  async cancel(id: string, { reason, waitMs }: CancelRequest): Promise<JobRunState> {
    const job = jobId(id);
    const { store, timing } = this.#ports;
    const untilMs = timing.clock.monotonicMs() + waitMs;
    const { state } = await this.read(job);
    if (state !== "running" && state !== "interrupted") return state;
    const asked = await askToStop(store, timing, job, { reason, alsoUndriven: state === "interrupted" });
    while (asked && timing.clock.monotonicMs() < untilMs) {
      const { entry } = await store.get(jobKeys(job).card);
      if (entry === undefined) throw jobNotFound(job);
      const end = decodeCard(entry)?.end;
      if (end !== undefined) return JOB_STATES[end.kind];
      await pause(timing.clock, STOP_LOOK_MS);
    }
    return (await this.read(job)).state;
  }

  #log(job: JobId): JobLog {
    return new JobLog(this.#ports.store, job, this.#ports.timing);
  }
}

/** How a job shows itself whose log or spec was damaged; the log being there, a missing spec is damage too. */
const DAMAGED: readonly ErrorCode[] = ["STORE_CORRUPT", "BLOB_CORRUPT", "BLOB_MISSING"];

const isOneOf = (error: unknown, codes: readonly ErrorCode[]): boolean =>
  error instanceof BicoastalError && codes.includes(error.code);

async function unlessDamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isOneOf(error, [...DAMAGED, "JOB_NOT_FOUND"])) return undefined;
    throw error;
  }
}

const jobRuns = (job: JobId): BicoastalError =>
  new BicoastalError("JOB_RUNNING", `Job ${job} is running. Stop it first, then remove it.`, {
    details: { job },
  });

/** Sums over the effective attempts, by name in ascending order. */
export function countersOf(state: JobState): Readonly<Record<string, number>> {
  const sums = new Map<string, number>();
  for (const { output } of state.outputs()) {
    for (const [name, value] of Object.entries(output.counters))
      sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}
