import type { ErrorInfo } from "../../base/errors.ts";
import { Prng } from "../../base/prng.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import { prefixEnd } from "../../ports/control-store.ts";
import type { Outputs } from "../../ports/outputs.ts";
import { decodeRecord } from "../../protocol/codec.ts";
import { jobKeys, OPEN_PREFIX } from "../../runtime/job-keys.ts";
import { decodeCard } from "../../runtime/job-log.ts";
import { localReading } from "../../runtime/local-reading.ts";
import { StoreAudit } from "../check/audit/store-audit.ts";
import { auditLog, checkResults, finalError, readLog } from "../check/check.ts";
import { DrivenCheck } from "../check/driven.ts";
import { type LeftoverParts, leftovers } from "../check/leftovers.ts";
import { askedWhenQuiet, quietProblems } from "../check/quiet.ts";
import { StoreHistory } from "../check/store/store-history.ts";
import type { Faults } from "../faults/faults.ts";
import { NEWER_JOB, submitNewerJob } from "../faults/newer-job.ts";
import { drawJob, type SpecialJob, submitSimJob } from "../jobs/sim-job.ts";
import { createMemoryBlobs } from "../ports/memory-blobs.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../ports/memory-control-store.ts";
import { MemoryInputs } from "../ports/memory-inputs.ts";
import { MemoryOutputs } from "../ports/memory-outputs.ts";
import { createMemoryScratch } from "../ports/memory-scratch.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import { NodeWorld, type SubmittedJob } from "./node-world.ts";
import type { SeedOptions, SeedResult, SimLibraries } from "./seed.ts";
import { drawSetBack, drawTimeout, prepareFaults, resultOf, specialJob, tellJob } from "./seed-parts.ts";
import { openOf } from "./users.ts";

/** When the faults stop, the jobs have so long to end. Virtual milliseconds. */
const LIVENESS_MS = 600_000;
/** Two sweeps of a node, and a little more. */
const TIDY_MS = 660_000;
/** How often it is looked whether all jobs have ended. */
const LOOK_MS = 500;
const JOBS_MAX = 3;

/** Runs one simulated cluster of whole nodes to the end of its jobs and judges it. */
export async function runNodeSeed(
  seed: string,
  libraries: SimLibraries,
  options: SeedOptions = {},
): Promise<SeedResult> {
  const { print, breakStore = (store) => store } = options;
  const scheduler = new Scheduler();
  const random = new Prng(`nodes/${seed}`);
  const trace = new Trace(() => scheduler.nowMs, print);
  const faults = prepareFaults(
    { scheduler, random, trace },
    { ...options, rates: { ...drawSetBack(seed), ...options.rates } },
    seed,
  );
  const outputs = new MemoryOutputs();
  const environment = (blobs: BlobStore, to: Outputs): EngineEnvironment => ({
    ...libraries,
    inputs: new MemoryInputs(),
    blobs,
    outputs: to,
    scratch: createMemoryScratch(),
  });
  const { planSplits } = localReading(() => environment(createMemoryBlobs(), outputs));
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const store = () => breakStore(new MemoryControlStore(backend));
  const jobs = await drawJobs(faults, planSplits, (index) => specialJob(seed, options, index));
  const audit = new StoreAudit(
    backend,
    jobs.map(({ spec }) => spec),
  );
  const history = new StoreHistory(() => scheduler.nowMs);
  history.follow(backend);
  const like = jobs[0]!.spec;
  const newer = faults.happens("newerVersion", () => NEWER_JOB)
    ? await submitNewerJob(like, openOf(like), history.record(store()), random)
    : undefined;
  const world = new NodeWorld({
    scheduler,
    random,
    trace,
    faults,
    backend,
    store,
    history,
    audit,
    outputs,
    environment,
    jobs,
    newer: newer?.spec,
  });
  const problems: string[] = [];
  try {
    world.start();
    faults.brew();
    const faultyMs = random.below(faults.weather.faultyMsMax);
    const ended = (): boolean => world.problems.length > 0 || haveEnded(backend, jobs, world);
    await scheduler.play(everySoOften(scheduler, ended), faultyMs);
    world.stopFaults();
    const cut = world.isolateMinority();
    const driven = new DrivenCheck(backend);
    const look = (): boolean => {
      const ids = jobs.map(({ spec }) => spec.id);
      driven.look(ids, world.hasDrivers, scheduler.nowMs);
      return ended();
    };
    const all = await scheduler.play(everySoOften(scheduler, look), scheduler.nowMs + LIVENESS_MS);
    const left = cut === "" ? "L15:" : `L20: ${cut} are cut off, and`;
    if (!all) problems.push(`${left} a job had not ended ${LIVENESS_MS} ms after the faults stopped`);
    problems.push(...driven.problems);
    world.heal();
    if (problems.length + world.problems.length === 0) problems.push(...(await judge()));
    const orphans = () =>
      leftovers({ backend, ...ofCommitted(backend, jobs, world.blocks, outputs.staging) }).filter(
        (name) => name !== jobKeys(NEWER_JOB).open,
      );
    const tidy = everySoOften(scheduler, () => orphans().length === 0);
    if (all && !(await scheduler.play(tidy, scheduler.nowMs + TIDY_MS)))
      problems.push(
        `L17: ${TIDY_MS} ms after the last job had committed there are still ${orphans().slice(0, 8).join(", ")}`,
      );
    if (problems.length + world.problems.length === 0) {
      const asked = await askedWhenQuiet({ scheduler, history, nodes: () => world.living });
      // A job of a newer version stays open, and is looked at again and again.
      if (newer === undefined) problems.push(...quietProblems(asked));
      trace.say("", `each node asks the store ${asked.toFixed(1)} times a minute`);
    }
  } catch (error) {
    problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  problems.unshift(...world.problems);
  problems.push(...(newer?.problems(backend) ?? []));
  problems.push(...world.failures.problems, ...audit.problems, ...jobs.flatMap(({ job }) => job.corruptions));
  if (audit.countsAdopted) trace.met("adoptedAttemptCounted");
  return resultOf({ seed, problems, trace, scheduler, faults, history });

  async function judge(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { job, spec } of jobs) {
      const records = await readLog(store(), spec);
      const without = finalError(job, records) !== undefined;
      found.push(...auditLog(records, without ? 0 : 1), ...world.failures.onLog(spec.id, records));
      if (without) continue;
      const { entry } = await store().get(jobKeys(spec.id).card);
      const kept = entry === undefined ? undefined : decodeCard(entry)?.end?.results;
      const results = kept === undefined ? undefined : world.results.get(kept);
      if (results === undefined) found.push(`${spec.id} committed, and what it gave was not kept`);
      else found.push(...checkResults(job, spec, results, outputs));
    }
    const { entries } = await store().range(OPEN_PREFIX, prefixEnd(OPEN_PREFIX));
    const open = entries.map(({ key }) => key).filter((key) => key !== jobKeys(NEWER_JOB).open);
    if (open.length > 0) found.push(`jobs that ended are still open: ${open}`);
    return found;
  }
}

/** Jobs of different names; each is submitted once. */
async function drawJobs(
  faults: Faults,
  planSplits: Parameters<typeof submitSimJob>[1],
  specialOf: (index: number) => SpecialJob | undefined,
): Promise<readonly SubmittedJob[]> {
  const { random, trace } = faults;
  const jobs = new Map<string, SubmittedJob>();
  const count = 1 + random.below(JOBS_MAX);
  for (let i = 0; i < count; i++) {
    const job = drawJob(random, specialOf(i));
    if (jobs.has(job.name)) continue;
    const spec = await submitSimJob(job, planSplits, drawTimeout(faults));
    tellJob(trace, job, spec);
    jobs.set(job.name, { job, spec });
  }
  return [...jobs.values()];
}

/** Whether every job has committed. One that failed is resumed. */
function haveEnded(backend: MemoryStoreBackend, jobs: readonly SubmittedJob[], world: NodeWorld): boolean {
  let ended = 0;
  for (const submitted of jobs) {
    const { spec } = submitted;
    const { entry } = backend.get(jobKeys(spec.id).card);
    const end = entry === undefined ? undefined : decodeCard(entry)?.end;
    const final = end === undefined ? undefined : finalErrorOf(backend, submitted);
    if (end?.kind === "committed") ended++;
    else if (final !== undefined) {
      world.onFinal(final);
      if (!world.isResuming(spec)) ended++;
    } else if (end !== undefined) world.resume(spec);
  }
  return ended === jobs.length;
}

/** What it has failed with, as it had to. */
function finalErrorOf(backend: MemoryStoreBackend, { job, spec }: SubmittedJob): ErrorInfo | undefined {
  if (job.isFinal === undefined) return undefined;
  const { logPrefix } = jobKeys(spec.id);
  const last = backend.range(logPrefix, prefixEnd(logPrefix)).entries.at(-1);
  return last === undefined ? undefined : finalError(job, [decodeRecord(last.value, last.key)]);
}

/** Of jobs that committed; one that failed may be resumed, as far as anybody knows, and keeps what it has. */
function ofCommitted(
  backend: MemoryStoreBackend,
  jobs: readonly SubmittedJob[],
  blocks: readonly string[],
  staged: readonly string[],
): Pick<LeftoverParts, "blocks" | "staged"> {
  const failed = jobs.filter((job) => finalErrorOf(backend, job) !== undefined).map(({ spec }) => spec.id);
  const of = (keys: readonly string[], prefixOf: (job: string) => string) =>
    keys.filter((key) => !failed.some((job) => key.startsWith(prefixOf(job))));
  return {
    blocks: of(blocks, (job) => `jobs/${job}/`),
    staged: of(staged, (job) => `${job}.`),
  };
}

/** Asks at most once in so many virtual milliseconds: the question is dearer than a step. */
function everySoOften(scheduler: Scheduler, ask: () => boolean): () => boolean {
  let nextMs = 0;
  return () => {
    if (scheduler.nowMs < nextMs) return false;
    nextMs = scheduler.nowMs + LOOK_MS;
    return ask();
  };
}
