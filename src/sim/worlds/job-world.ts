/**
 * A simulated cluster with one job: a store, drivers that take over from each other, workers, a network, blobs.
 *
 * It runs the shipped driver, host, log, worker, executor and engine. First faults come as the seed has drawn them;
 * then they stop, what was cut off heals, and the job must end within a bound of virtual time.
 */
import { BicoastalError, type ErrorCode } from "../../base/errors.ts";
import { type Epoch, epoch, type NodeId, nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { JobState } from "../../core/job-state.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { Outputs } from "../../ports/outputs.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { Message } from "../../protocol/message.ts";
import type { MusterRequest } from "../../runtime/crew.ts";
import { cardOf, type Driven, driveJob } from "../../runtime/drive-job.ts";
import type { RunEvent } from "../../runtime/events.ts";
import { createTaskExecutor } from "../../runtime/executor/task-executor.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import { decodeCard, JobLog } from "../../runtime/job-log.ts";
import { localReading } from "../../runtime/local-reading.ts";
import { Worker } from "../../runtime/worker.ts";
import type { StoreAudit } from "../check/audit/store-audit.ts";
import { DeposedCheck } from "../check/deposed.ts";
import { FailureCheck } from "../check/failures.ts";
import { watchFences } from "../check/fences.ts";
import type { StoreHistory } from "../check/store/store-history.ts";
import type { Faults } from "../faults/faults.ts";
import { faultyDisk } from "../faults/faulty-disk.ts";
import { faultyOutputs } from "../faults/faulty-outputs.ts";
import { faultyScratch } from "../faults/faulty-scratch.ts";
import { faultyStore } from "../faults/faulty-store.ts";
import { SimNetwork } from "../faults/network.ts";
import { SimRunner } from "../faults/sim-runner.ts";
import { scheduleStoreFaults } from "../faults/store-weather.ts";
import type { SimJob } from "../jobs/sim-job.ts";
import type { MemoryBlobs } from "../ports/memory-blobs.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";
import type { MemoryOutputs } from "../ports/memory-outputs.ts";
import { SimProcess } from "../process.ts";
import type { Scheduler } from "../scheduler.ts";
import { finalSituation, Situations } from "../situations.ts";
import type { Trace } from "../trace.ts";
import { begin, block, freeze, isRefusal, jumpWall, STORE_NODE, spoilBlock, stutter } from "./disturb.ts";

const LEASE_MS = 5_000;
const WORKER_LEASE_MS = 4_000;
const HEARTBEAT_MS = 1_000;
const MUSTER_MS = 400;
/** A few of the tasks at their virtual speed. */
const AHEAD_MS_MAX = 1_500;
const FREEZE_MS_MAX = 3 * LEASE_MS;
const RESTART_MS_MAX = 3_000;
/** So little in some processes that even small tasks spill. */
const TASK_MEMORY_BYTES = [1 << 20, 1 << 20, 1 << 10];
/** Ways for a driver to end that are nobody's fault. */
const EXPECTED: readonly ErrorCode[] = [
  "JOB_RUNNING",
  "DRIVER_DEPOSED",
  "STORE_UNAVAILABLE",
  "STORE_REFUSED",
  "DISK_FULL",
];

export interface WorldParts {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly backend: MemoryStoreBackend;
  readonly store: (process: SimProcess) => ControlStore;
  /** What everybody asks of the store, as they see it. */
  readonly history: StoreHistory;
  readonly audit: StoreAudit;
  readonly blobs: MemoryBlobs;
  readonly outputs: MemoryOutputs;
  readonly environment: (disk: BlobStore, outputs: Outputs) => EngineEnvironment;
  readonly job: SimJob;
  readonly spec: JobSpec;
}

export class World {
  readonly #parts: WorldParts;
  readonly #network: SimNetwork<Message>;
  readonly #situations: Situations;
  /** Outputs that somebody began to commit, by who. */
  readonly #commits = new Map<string, string>();
  #driverAddress: NodeId = nodeId("nobody");
  #driverEpoch: Epoch = epoch(0);
  #driverCount = 0;
  #workerStarts = 0;
  readonly #drivers = new Set<SimProcess>();
  readonly #workers: (SimProcess | undefined)[];
  /** Anything that must never happen. */
  readonly problems: string[] = [];
  readonly failures = new FailureCheck();
  driven: Driven | undefined;
  #resultsLost = false;
  #failedForGood = false;

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.#network = new SimNetwork(parts.faults);
    this.#situations = new Situations(parts.trace);
    this.#workers = new Array<undefined>(1 + parts.random.below(4)).fill(undefined);
  }

  /** The job is done, as far as anybody can tell. */
  get hasEnded(): boolean {
    return this.driven !== undefined || this.#resultsLost || this.#failedForGood;
  }

  /** It has ended without a result, as it had to. */
  get failedForGood(): boolean {
    return this.#failedForGood;
  }

  /** Submits the job through a store that may fail, and lets everybody begin. */
  async start(): Promise<void> {
    this.#submit(() => {
      this.#parts.trace.say("submitter", "the job is submitted");
      this.#startDriver();
      this.#workers.forEach((_, index) => {
        this.#startWorker(index);
      });
      this.#scheduleFaults();
    });
  }

  /** Somebody waits for the answer, and asks again where there is none, or where it is that nothing can be stored now. */
  #submit(onDone: () => void): void {
    const { scheduler, faults, spec } = this.#parts;
    const process = new SimProcess("submitter", scheduler);
    const again = (): void => void scheduler.after(RESTART_MS_MAX, () => this.#submit(onDone));
    process.onKilled = again;
    const timing = { clock: faults.points.timersOf(process), random: faults.random };
    const log = new JobLog(this.#storeOf(process), spec.id, timing);
    void log.submit(spec.constants.bundle, cardOf(spec, undefined)).then(
      () => process.enter(onDone),
      (error: unknown) => {
        if (isRefusal(error)) process.enter(again);
        else this.problems.push(`the submission failed: ${String(error)}`);
      },
    );
  }

  stopFaults(): void {
    this.#parts.trace.say("", "the faults stop");
    this.#parts.faults.stop();
    this.#network.heal();
    for (const process of this.#living()) {
      process.thaw();
      process.unblock();
      process.drift(1);
    }
  }

  #living(): readonly SimProcess[] {
    return [...this.#drivers, ...this.#workers].filter((process) => process !== undefined);
  }

  #storeOf(process: SimProcess): ControlStore {
    const { store, history, faults } = this.#parts;
    const self = nodeId(process.name);
    const way = {
      there: () => this.#network.connects(self, STORE_NODE),
      back: () => this.#network.connects(STORE_NODE, self),
    };
    const recorded = history.record(faultyStore(store(process), process, faults, way), process);
    return watchFences(recorded, (problem) => this.problems.push(problem));
  }

  /** What tasks, or whoever reads results, have of the world in this process. */
  #environmentOf(process: SimProcess): () => EngineEnvironment {
    const { environment, blobs, faults } = this.#parts;
    const disk = faultyDisk(blobs, process, faults);
    const outputs = this.#outputsOf(process);
    return () => {
      const made = environment(disk, outputs);
      return { ...made, scratch: faultyScratch(made.scratch, process, faults) };
    };
  }

  #outputsOf(process: SimProcess): Outputs {
    const { outputs, faults } = this.#parts;
    return faultyOutputs(outputs, process, faults, this.#commits);
  }

  // ---- Drivers ----------------------------------------------------------------------------------------------------

  #startDriver(): void {
    if (this.hasEnded) return;
    const { scheduler, random, trace, faults, spec } = this.#parts;
    const process = new SimProcess(`driver${this.#driverCount++}`, scheduler);
    const self = nodeId(process.name);
    this.#drivers.add(process);
    trace.say(process.name, "starts");
    begin(process, faults);
    process.onKilled = () => {
      this.#drivers.delete(process);
      this.#restartDriverSoon();
    };
    const inspect = this.#parts.audit.inspecting(process.name);
    const deposed = new DeposedCheck(process, () => scheduler.nowMs, this.problems);
    const ports = {
      store: deposed.watching(this.#storeOf(process)),
      outputs: this.#outputsOf(process),
      clock: faults.points.timersOf(process),
      readRows: localReading(this.#environmentOf(process)).readRows,
      random: new Prng(`${process.name}/${random.nextUint32()}`),
      muster: ({ term: { epoch: taken } }: MusterRequest) => {
        trace.say(process.name, `has taken over, in epoch ${taken}`);
        if (this.#driverCount > 1) trace.met("takeOver");
        // One that was frozen when it took over says so late; workers follow the latest by what the store says.
        if (taken > this.#driverEpoch) [this.#driverEpoch, this.#driverAddress] = [taken, self];
        const transport = this.#network.join(self, process);
        return { transport, report: async () => {}, close: () => transport.close() };
      },
    };
    const options = {
      owner: { node: self, host: "simulated", pid: this.#driverCount },
      leaseMs: LEASE_MS,
      isDead: () => false,
      signal: undefined,
      onEvent: (event: RunEvent) => {
        this.failures.onEvent(process.name, spec, event);
        this.#situations.onEvent(process.name, spec, event);
      },
      incarnation: process.name,
      workerLeaseMs: WORKER_LEASE_MS,
      mustered: () => ({
        workers: this.#workers.flatMap((worker) => (worker === undefined ? [] : nodeId(worker.name))),
        waitMs: MUSTER_MS,
      }),
      checkInvariants: true,
      inspect: (state: JobState) => {
        inspect(state);
        deposed.onStep(state);
      },
    };
    driveJob(spec, ports, options).then(
      (driven) => process.enter(() => this.#onDriven(process, driven)),
      (error: unknown) => process.enter(() => this.#onDriveFailed(process, error)),
    );
  }

  #onDriven(process: SimProcess, driven: Driven): void {
    this.#drivers.delete(process);
    this.#parts.trace.say(process.name, `ends: ${driven.end.kind}`);
    if (driven.end.kind === "committed") {
      this.driven ??= driven;
      return;
    }
    if (driven.end.kind === "failed" && this.#parts.job.isFinal?.(driven.end.error)) {
      this.#parts.trace.met(finalSituation(driven.end.error));
      this.#failedForGood = true;
      return;
    }
    this.#parts.trace.met("resumedAfterFailure");
    this.#restartDriverSoon();
  }

  /** Another one drives, this one was deposed, or the store gave up: someone tries again. */
  #onDriveFailed(process: SimProcess, error: unknown): void {
    this.#drivers.delete(process);
    const code = error instanceof BicoastalError ? error.code : undefined;
    this.#parts.trace.say(process.name, `ends: ${code ?? String(error)}`);
    if (code === "DRIVER_DEPOSED") this.#parts.trace.met("deposed");
    if (code === "BLOB_MISSING" || code === "BLOB_CORRUPT")
      return this.#onResultsLost(process, String(error));
    if (code === undefined || !EXPECTED.includes(code))
      this.problems.push(`${process.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    this.#restartDriverSoon();
  }

  /**
   * The disk that has the results of a job that had committed already is damaged, and nobody may run it again. Whoever waits
   * for them is told so. Of a job that is not over this must not happen.
   */
  #onResultsLost(process: SimProcess, error: string): void {
    const { backend, faults, trace, spec } = this.#parts;
    const { entry } = backend.get(jobKeys(spec.id).card);
    if (entry === undefined || decodeCard(entry)?.end?.kind !== "committed")
      this.problems.push(`${process.name} failed, of a job that is not over: ${error}`);
    trace.met("resultsLostAfterCommit");
    if (faults.stopped) this.#resultsLost = true;
    else this.#restartDriverSoon();
  }

  #restartDriverSoon(): void {
    this.#parts.scheduler.after(1 + this.#parts.random.below(RESTART_MS_MAX), () => {
      if (this.#drivers.size === 0) this.#startDriver();
    });
  }

  // ---- Workers ----------------------------------------------------------------------------------------------------

  #startWorker(index: number): void {
    const { scheduler, random, faults, audit, job, spec } = this.#parts;
    const process = new SimProcess(`worker${index}`, scheduler);
    this.#workers[index] = process;
    begin(process, faults);
    process.onKilled = () => {
      this.#workers[index] = undefined;
      scheduler.after(1 + random.below(RESTART_MS_MAX), () => this.#startWorker(index));
    };
    const executor = audit.watching(
      createTaskExecutor({
        loadJob: async () => ({ name: job.name, build: () => job.plan }),
        openEnvironment: this.#environmentOf(process),
        memoryBytes: random.pick(TASK_MEMORY_BYTES),
      }),
    );
    const transport = this.#network.join(nodeId(process.name), process);
    const worker = new Worker({
      job: spec.id,
      driver: () => this.#driverAddress,
      incarnation: `start ${this.#workerStarts++}`,
      transport,
      runner: new SimRunner(1 + random.below(3), process, executor, faults, {
        onAttempt: (request) => this.#situations.onAttempt(request),
        onOutcome: (request, outcome) => this.failures.onOutcome(request, outcome),
      }),
      clock: faults.points.timersOf(process),
      heartbeatMs: HEARTBEAT_MS,
      aheadMs: random.pick([0, AHEAD_MS_MAX]),
      observer: { onTaskProgress: () => {}, onTaskLog: () => {}, onTaskDropped: () => {} },
    });
    transport.receive((_, message) => {
      if (message.kind === "orders") worker.onOrders(message);
    });
    worker.start();
  }

  // ---- Faults that come by themselves ---------------------------------------------------------------------------

  #scheduleFaults(): void {
    const { faults, backend, history, random, blobs } = this.#parts;
    const { drawn } = faults;
    const going = (): boolean => !this.hasEnded;
    const every = (meanMs: number, fault: () => void): void => faults.every(meanMs, fault, going);
    every(drawn.workerKillEveryMs, () => this.#kill("workerKill", this.#workers));
    every(drawn.driverKillEveryMs, () => this.#kill("driverKill", [...this.#drivers]));
    every(drawn.freezeEveryMs, () => this.#freezeSomeone());
    every(drawn.partitionEveryMs, () => {
      const names = [...this.#living().map(({ name }) => nodeId(name)), STORE_NODE];
      faults.trace.fault("partition", this.#network.cutSome(names, random.below(FREEZE_MS_MAX)));
    });
    every(drawn.blockEveryMs, () =>
      this.#someone((process) => block(process, random.below(FREEZE_MS_MAX), faults)),
    );
    every(drawn.stutterEveryMs, () => this.#someone((process) => stutter(process, faults)));
    every(drawn.wallJumpEveryMs, () => this.#someone((process) => jumpWall(process, faults)));
    every(drawn.blockLossEveryMs, () => spoilBlock(blobs.blobs, faults));
    scheduleStoreFaults(faults, backend, going, (lease) => history.leaseCut(lease));
  }

  #someone(disturb: (process: SimProcess) => void): void {
    const candidates = this.#living().filter(({ frozen }) => !frozen);
    if (candidates.length > 0) disturb(this.#parts.random.pick(candidates));
  }

  #kill(kind: string, processes: readonly (SimProcess | undefined)[]): void {
    const living = processes.filter((process) => process !== undefined);
    if (living.length === 0) return;
    const process = this.#parts.random.pick(living);
    this.#parts.trace.fault(kind, process.name);
    process.kill();
  }

  /** A frozen driver is replaced, and thaws as one who thinks that it still drives. */
  #freezeSomeone(): void {
    const { scheduler, random, faults } = this.#parts;
    this.#someone((process) => {
      freeze(process, random.below(FREEZE_MS_MAX), faults);
      if (this.#drivers.has(process))
        scheduler.after(1 + random.below(RESTART_MS_MAX), () => this.#startDriver());
    });
  }
}
