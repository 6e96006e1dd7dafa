import { InvariantViolation } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { Outputs } from "../../ports/outputs.ts";
import { localReading } from "../../runtime/local-reading.ts";
import { StoreAudit } from "../check/audit/store-audit.ts";
import { auditLog, checkResults, readLog } from "../check/check.ts";
import { StoreHistory } from "../check/store/store-history.ts";
import { drawJob, submitSimJob } from "../jobs/sim-job.ts";
import { createMemoryBlobs } from "../ports/memory-blobs.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../ports/memory-control-store.ts";
import { MemoryInputs } from "../ports/memory-inputs.ts";
import { MemoryOutputs } from "../ports/memory-outputs.ts";
import { createMemoryScratch } from "../ports/memory-scratch.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { Trace } from "../trace.ts";
import { World } from "./job-world.ts";
import type { SeedOptions, SeedResult, SimLibraries } from "./seed.ts";
import { drawTimeout, prepareFaults, resultOf, specialJob, tellJob } from "./seed-parts.ts";

/** When the faults stop, the job has so long to end. Virtual milliseconds. */
const LIVENESS_MS = 600_000;

/** Runs one simulated cluster to the end of its job and judges it. */
export async function runSeed(
  seed: string,
  libraries: SimLibraries,
  options: SeedOptions = {},
): Promise<SeedResult> {
  const { print, breakStore = (store) => store } = options;
  const scheduler = new Scheduler();
  const random = new Prng(seed);
  const trace = new Trace(() => scheduler.nowMs, print);
  const faults = prepareFaults({ scheduler, random, trace }, options, seed);
  const blobs = createMemoryBlobs();
  const outputs = new MemoryOutputs();
  const environment = (disk: BlobStore, to: Outputs): EngineEnvironment => ({
    ...libraries,
    inputs: new MemoryInputs(),
    blobs: disk,
    outputs: to,
    scratch: createMemoryScratch(),
  });
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const job = drawJob(random, specialJob(seed, options));
  const { planSplits } = localReading(() => environment(blobs, outputs));
  const spec = await submitSimJob(job, planSplits, drawTimeout(faults));
  tellJob(trace, job, spec);
  const store = (): ControlStore => breakStore(new MemoryControlStore(backend));
  const audit = new StoreAudit(backend, [spec]);
  const history = new StoreHistory(() => scheduler.nowMs);
  history.follow(backend);
  const world = new World({
    scheduler,
    random,
    trace,
    faults,
    backend,
    store,
    history,
    audit,
    blobs,
    outputs,
    environment,
    job,
    spec,
  });
  const problems: string[] = [];
  try {
    await world.start();
    faults.brew();
    const done = (): boolean => world.hasEnded || world.problems.length > 0;
    await scheduler.play(done, random.below(faults.weather.faultyMsMax));
    world.stopFaults();
    const ended = await scheduler.play(done, scheduler.nowMs + LIVENESS_MS);
    if (!ended) problems.push(`L15: the job had not ended ${LIVENESS_MS} ms after the faults stopped`);
    if (ended && world.problems.length === 0)
      problems.push(...auditLog(await readLog(store(), spec), world.failedForGood ? 0 : 1));
    problems.push(...world.failures.onLog(spec.id, await readLog(store(), spec)));
    if (world.driven !== undefined) problems.push(...checkResults(job, spec, world.driven.results, outputs));
  } catch (error) {
    problems.push(
      error instanceof InvariantViolation || error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
    );
  }
  problems.unshift(...world.problems);
  problems.push(...world.failures.problems, ...audit.problems, ...job.corruptions);
  if (audit.countsAdopted) trace.met("adoptedAttemptCounted");
  return resultOf({ seed, problems, trace, scheduler, faults, history });
}
