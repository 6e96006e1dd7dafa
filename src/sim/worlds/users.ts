import { BicoastalError } from "../../base/errors.ts";
import { contentHash, type JobId, type NodeId, nodeId } from "../../base/ids.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import { encodeOpenJob } from "../../runtime/cluster/open-job.ts";
import { cardOf } from "../../runtime/drive-job.ts";
import { JobLog } from "../../runtime/job-log.ts";
import { askToStop } from "../../runtime/job-stop.ts";
import type { RetryClock } from "../../runtime/retry.ts";
import type { Faults } from "../faults/faults.ts";
import { SimProcess } from "../process.ts";
import { isRefusal } from "./disturb.ts";

/** Before somebody asks again. */
const AGAIN_MS = 3_000;

const SPEC_HASH = contentHash("5".repeat(64));
/** What the store tells of a job that is open. */
export const openOf = (spec: JobSpec): Uint8Array =>
  encodeOpenJob({ spec: SPEC_HASH, bundle: spec.constants.bundle, holders: [] });

/** Whoever wants something of a simulated cluster, from outside: submits jobs, stops them, and has them go on. */
export class Users {
  readonly #faults: Faults;
  readonly #storeOf: (process: SimProcess, self: NodeId) => ControlStore;
  readonly #problems: string[];
  readonly #resuming = new Set<JobId>();
  /** Jobs that are there for good, as far as anybody was told. */
  readonly #submitted: JobId[] = [];

  /** @param problems Gets what must never happen. */
  constructor(
    faults: Faults,
    storeOf: (process: SimProcess, self: NodeId) => ControlStore,
    problems: string[],
  ) {
    this.#faults = faults;
    this.#storeOf = storeOf;
    this.#problems = problems;
  }

  /** Through a store that may fail, by somebody who waits for the answer, and asks again where there was none. */
  #ask(who: string, what: (store: ControlStore, retrying: RetryClock) => Promise<string>): void {
    const { scheduler, trace } = this.#faults;
    const process = new SimProcess(who, scheduler);
    const again = (): void => void scheduler.after(AGAIN_MS, () => this.#ask(who, what));
    process.onKilled = again;
    const retrying = { clock: this.#faults.points.timersOf(process), random: this.#faults.random };
    what(this.#storeOf(process, nodeId(who)), retrying).then(
      (told) => process.enter(() => trace.say(who, told)),
      (error: unknown) =>
        process.enter(() => {
          if (isRefusal(error) || this.#isGone(error)) return again();
          this.#problems.push(`${who} was told: ${error instanceof Error ? error.stack : String(error)}`);
        }),
    );
  }

  /** The job went with what the store has forgotten, and is submitted once more. */
  #isGone(error: unknown): boolean {
    return this.#faults.setBacks > 0 && error instanceof BicoastalError && error.code === "JOB_NOT_FOUND";
  }

  /**
   * The store was set back, and some jobs may be gone that were there for good.
   * @param isThere Whether the store knows of this job.
   */
  submitAgain(specs: readonly JobSpec[], isThere: (job: JobId) => boolean): void {
    for (const spec of specs) {
      const at = this.#submitted.indexOf(spec.id);
      if (at < 0 || isThere(spec.id)) continue;
      this.#submitted.splice(at, 1);
      this.#faults.trace.met("setBackTookJob");
      this.submit(spec);
    }
  }

  submit(spec: JobSpec): void {
    this.#ask("submitter", async (store, retrying) => {
      await new JobLog(store, spec.id, retrying).submit(SPEC_HASH, cardOf(spec, undefined), openOf(spec));
      this.#submitted.push(spec.id);
      return `${spec.id} is submitted`;
    });
  }

  /** What a user would do about a job that failed. Harmless where it is open again. */
  resume(spec: JobSpec): void {
    if (this.#resuming.has(spec.id)) return;
    this.#resuming.add(spec.id);
    this.#faults.trace.met("resumedAfterFailure");
    this.#ask("resumer", async (store, retrying) => {
      const log = new JobLog(store, spec.id, retrying);
      const opened = await log.reopen(cardOf(spec, undefined), openOf(spec));
      this.#resuming.delete(spec.id);
      return `${spec.id} is ${opened ? "opened again" : "as it was"}`;
    });
  }

  isResuming(job: JobId): boolean {
    return this.#resuming.has(job);
  }

  /** Somebody wants a job to stop, whoever drives it. */
  cancelSome(): void {
    const { random, trace } = this.#faults;
    if (this.#submitted.length === 0) return;
    const job = random.pick(this.#submitted);
    trace.fault("cancel", job);
    this.#ask("stopper", async (store, retrying) => {
      const asked = await askToStop(store, retrying, job, { reason: "enough", alsoUndriven: true });
      return asked ? `${job} is asked to stop` : `${job} has nobody to ask`;
    });
  }
}
