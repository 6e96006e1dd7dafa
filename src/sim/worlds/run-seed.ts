import { InvariantViolation } from "../../base/assert.ts";
import { Prng } from "../../base/prng.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { ControlStore } from "../../ports/control-store.ts";
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

/** Faults come for so long at the most; then the job has so long to end. Virtual milliseconds. */
const FAULTY_MS_MAX = 60_000;
const LIVENESS_MS = 600_000;

export interface SeedResult {
  readonly seed: string;
  /** Empty where all was well. */
  readonly problems: readonly string[];
  /** The same for the same seed and code. */
  readonly traceHash: string;
  readonly virtualMs: number;
  readonly steps: number;
  readonly faults: ReadonlyMap<string, number>;
  readonly sometimes: ReadonlySet<string>;
}

/** What the simulator takes from adapters, which it may not import: pure functions both. */
export type SimLibraries = Pick<EngineEnvironment, "codec" | "crc32" | "gzip">;

export interface SeedOptions {
  /** Gets every line of the run's story. */
  readonly print?: (line: string) => void;
  /** Breaks the store that everybody uses, to see that the checks notice. */
  readonly breakStore?: (store: ControlStore) => ControlStore;
}

/** Runs one simulated cluster to the end of its job and judges it. */
export async function runSeed(
  seed: string,
  libraries: SimLibraries,
  { print, breakStore = (store) => store }: SeedOptions = {},
): Promise<SeedResult> {
  const scheduler = new Scheduler();
  const random = new Prng(seed);
  const trace = new Trace(() => scheduler.nowMs, print);
  const blobs = createMemoryBlobs();
  const outputs = new MemoryOutputs();
  const inputs = new MemoryInputs();
  const environment = (): EngineEnvironment => ({
    ...libraries,
    inputs,
    blobs,
    outputs,
    scratch: createMemoryScratch(),
  });
  const reading = localReading(environment);
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const job = drawJob(random);
  const spec = await submitSimJob(job, reading.planSplits);
  trace.say(`job ${job.name}, tasks by stage ${spec.stages.map(({ tasks }) => tasks).join(" ")}`);
  const store = (): ControlStore => breakStore(new MemoryControlStore(backend));
  const audit = new StoreAudit(backend, [spec]);
  const history = new StoreHistory(() => scheduler.nowMs);
  history.follow(backend);
  const world = new World({
    scheduler,
    random,
    trace,
    store,
    history,
    audit,
    blobs,
    outputs,
    environment,
    reading,
    job,
    spec,
  });
  const problems: string[] = [];
  try {
    await world.start();
    const done = (): boolean => world.driven !== undefined || world.problems.length > 0;
    await scheduler.play(done, random.below(FAULTY_MS_MAX));
    world.stopFaults();
    const ended = await scheduler.play(done, scheduler.nowMs + LIVENESS_MS);
    if (!ended) problems.push(`L15: the job had not ended ${LIVENESS_MS} ms after the faults stopped`);
    if (world.driven !== undefined) {
      problems.push(
        ...auditLog(await readLog(store(), spec)),
        ...checkResults(job, spec, world.driven.results, outputs),
      );
    }
  } catch (error) {
    problems.push(
      error instanceof InvariantViolation || error instanceof Error
        ? (error.stack ?? error.message)
        : String(error),
    );
  }
  problems.push(...world.problems, ...audit.problems, ...history.problems());
  for (const problem of problems) trace.say(`PROBLEM ${problem.split("\n")[0]}`);
  const { faults, sometimes, hash: traceHash } = trace;
  return { seed, problems, traceHash, virtualMs: scheduler.nowMs, steps: scheduler.steps, faults, sometimes };
}
