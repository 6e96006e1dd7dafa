/**
 * A simulated cluster with one job: a store, drivers that take over from each other, workers, a network, blobs.
 *
 * It runs the shipped driver, host, log, worker, executor and engine. First faults come as the seed has drawn them;
 * then they stop, what was cut off heals, and the job must end within a bound of virtual time.
 */
import { BicoastalError } from "../../base/errors.ts";
import { type Epoch, epoch, type NodeId, nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { Message } from "../../protocol/message.ts";
import { cardOf, type Driven, driveJob } from "../../runtime/drive-job.ts";
import type { RunEvent } from "../../runtime/events.ts";
import { createTaskExecutor } from "../../runtime/executor/task-executor.ts";
import { JobLog } from "../../runtime/job-log.ts";
import type { LocalReading } from "../../runtime/local-reading.ts";
import { Worker } from "../../runtime/worker.ts";
import type { StoreAudit } from "../check/audit/store-audit.ts";
import type { StoreHistory } from "../check/store/store-history.ts";
import { faultyStore } from "../faults/faulty-store.ts";
import { SimNetwork } from "../faults/network.ts";
import { drawRates, type FaultRates, NO_FAULTS } from "../faults/rates.ts";
import { SimRunner } from "../faults/sim-runner.ts";
import type { SimJob } from "../jobs/sim-job.ts";
import type { MemoryBlobs } from "../ports/memory-blobs.ts";
import type { MemoryOutputs } from "../ports/memory-outputs.ts";
import { SimProcess } from "../process.ts";
import type { Scheduler } from "../scheduler.ts";
import { meet, type Trace } from "../trace.ts";

const LEASE_MS = 5_000;
const WORKER_LEASE_MS = 4_000;
const HEARTBEAT_MS = 1_000;
/** A few of the tasks at their virtual speed. */
const AHEAD_MS_MAX = 1_500;
const FREEZE_MS_MAX = 3 * LEASE_MS;
const RESTART_MS_MAX = 3_000;
const TASK_MEMORY_BYTES = 1 << 20;

export interface WorldParts {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
  readonly store: (process: SimProcess) => ControlStore;
  /** What everybody asks of the store, as they see it. */
  readonly history: StoreHistory;
  readonly audit: StoreAudit;
  readonly blobs: MemoryBlobs;
  readonly outputs: MemoryOutputs;
  readonly environment: () => EngineEnvironment;
  readonly reading: LocalReading;
  readonly job: SimJob;
  readonly spec: JobSpec;
}

export class World {
  readonly #parts: WorldParts;
  readonly #network: SimNetwork<Message>;
  readonly #drawn: FaultRates;
  #rates: FaultRates;
  #driverAddress: NodeId = nodeId("nobody");
  #driverEpoch: Epoch = epoch(0);
  #driverCount = 0;
  #workerStarts = 0;
  readonly #drivers = new Set<SimProcess>();
  readonly #workers: (SimProcess | undefined)[];
  /** Anything that must never happen. */
  readonly problems: string[] = [];
  driven: Driven | undefined;

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.#drawn = drawRates(parts.random);
    this.#rates = this.#drawn;
    this.#network = new SimNetwork(parts.scheduler, parts.random, () => this.#rates, parts.trace);
    this.#workers = new Array<undefined>(1 + parts.random.below(4)).fill(undefined);
  }

  /** Submits the job through a store that may fail, and lets everybody begin. */
  async start(): Promise<void> {
    const process = new SimProcess("submitter", this.#parts.scheduler);
    const log = new JobLog(this.#storeOf(process), this.#parts.spec.id, {
      clock: process.clock,
      random: this.#parts.random,
    });
    const card = cardOf(this.#parts.spec, undefined);
    void log.submit(this.#parts.spec.constants.bundle, card).then(
      () => {
        this.#parts.trace.say("submitted");
        this.#startDriver();
        this.#workers.forEach((_, index) => {
          this.#startWorker(index);
        });
        this.#scheduleFaults();
      },
      (error: unknown) => this.problems.push(`the submission failed: ${String(error)}`),
    );
  }

  stopFaults(): void {
    this.#parts.trace.say("faults stop");
    this.#rates = NO_FAULTS;
    this.#network.heal();
    for (const process of [...this.#drivers, ...this.#workers]) process?.thaw();
  }

  #storeOf(process: SimProcess): ControlStore {
    const { store, history, random, trace } = this.#parts;
    return history.record(faultyStore(store(process), process, random, () => this.#rates, trace));
  }

  // ---- Drivers ----------------------------------------------------------------------------------------------------

  #startDriver(): void {
    if (this.driven !== undefined) return;
    const { scheduler, random, trace, outputs, reading, spec } = this.#parts;
    const process = new SimProcess(`driver${this.#driverCount++}`, scheduler);
    const self = nodeId(process.name);
    this.#drivers.add(process);
    trace.say(`${process.name} starts`);
    const ports = {
      store: this.#storeOf(process),
      outputs,
      clock: process.clock,
      readRows: reading.readRows,
      random: new Prng(`${process.name}/${random.nextUint32()}`),
      muster: (job: { readonly epoch: Epoch }) => {
        trace.say(`${process.name} has taken over`);
        if (this.#driverCount > 1) trace.met("takeOver");
        // One that was frozen when it took over says so late; workers follow the latest by what the store says.
        if (job.epoch > this.#driverEpoch) [this.#driverEpoch, this.#driverAddress] = [job.epoch, self];
        const transport = this.#network.join(self, process);
        return { transport, report: async () => {}, close: () => transport.close() };
      },
    };
    const options = {
      owner: { node: self, host: "simulated", pid: this.#driverCount },
      leaseMs: LEASE_MS,
      isDead: () => false,
      signal: undefined,
      onEvent: (event: RunEvent) => meet(trace, event),
      incarnation: process.name,
      workerLeaseMs: WORKER_LEASE_MS,
      checkInvariants: true,
    };
    driveJob(spec, ports, options).then(
      (driven) => process.enter(() => this.#onDriven(process, driven)),
      (error: unknown) => process.enter(() => this.#onDriveFailed(process, error)),
    );
  }

  #onDriven(process: SimProcess, driven: Driven): void {
    this.#drivers.delete(process);
    this.#parts.trace.say(`${process.name} ends: ${driven.end.kind}`);
    if (driven.end.kind === "committed") {
      this.driven ??= driven;
      return;
    }
    this.#parts.trace.met("resumedAfterFailure");
    this.#restartDriverSoon();
  }

  /** Another one drives, this one was deposed, or the store gave up: someone tries again. */
  #onDriveFailed(process: SimProcess, error: unknown): void {
    this.#drivers.delete(process);
    const code = error instanceof BicoastalError ? error.code : undefined;
    this.#parts.trace.say(`${process.name} ends: ${code ?? String(error)}`);
    if (code === "DRIVER_DEPOSED") this.#parts.trace.met("deposed");
    const expected = code === "JOB_RUNNING" || code === "DRIVER_DEPOSED" || code === "STORE_UNAVAILABLE";
    if (!expected)
      this.problems.push(`${process.name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    this.#restartDriverSoon();
  }

  #restartDriverSoon(): void {
    this.#parts.scheduler.after(1 + this.#parts.random.below(RESTART_MS_MAX), () => {
      if (this.#drivers.size === 0) this.#startDriver();
    });
  }

  // ---- Workers ----------------------------------------------------------------------------------------------------

  #startWorker(index: number): void {
    const { scheduler, random, trace, environment, audit, job, spec } = this.#parts;
    const process = new SimProcess(`worker${index}`, scheduler);
    this.#workers[index] = process;
    const executor = audit.watching(
      createTaskExecutor({
        loadJob: async () => ({ name: job.name, build: () => job.plan }),
        openEnvironment: environment,
        memoryBytes: TASK_MEMORY_BYTES,
      }),
    );
    const transport = this.#network.join(nodeId(process.name), process);
    const worker = new Worker({
      job: spec.id,
      driver: () => this.#driverAddress,
      incarnation: `start ${this.#workerStarts++}`,
      transport,
      runner: new SimRunner(1 + random.below(3), process, executor, random, () => this.#rates, trace),
      clock: process.clock,
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
    const { workerKillEveryMs, driverKillEveryMs, freezeEveryMs, partitionEveryMs, blockLossEveryMs } =
      this.#drawn;
    this.#every(workerKillEveryMs, () => this.#killWorker());
    this.#every(driverKillEveryMs, () => this.#killDriver());
    this.#every(freezeEveryMs, () => this.#freezeSomeone());
    this.#every(partitionEveryMs, () => this.#cutSomeoneOff());
    this.#every(blockLossEveryMs, () => this.#spoilBlock());
  }

  /** Again and again at random, the mean given, as long as faults are on. */
  #every(meanMs: number, fault: () => void): void {
    if (meanMs === 0) return;
    const { scheduler, random } = this.#parts;
    scheduler.after(random.below(2 * meanMs), () => {
      if (this.#rates === NO_FAULTS || this.driven !== undefined) return;
      fault();
      this.#every(meanMs, fault);
    });
  }

  #killWorker(): void {
    const { scheduler, random, trace } = this.#parts;
    const index = random.below(this.#workers.length);
    const process = this.#workers[index];
    if (process === undefined) return;
    trace.fault("workerKill", process.name);
    process.kill();
    this.#workers[index] = undefined;
    scheduler.after(1 + random.below(RESTART_MS_MAX), () => this.#startWorker(index));
  }

  #killDriver(): void {
    const { random, trace } = this.#parts;
    const drivers = [...this.#drivers];
    if (drivers.length === 0) return;
    const process = random.pick(drivers);
    trace.fault("driverKill", process.name);
    process.kill();
    this.#drivers.delete(process);
    this.#restartDriverSoon();
  }

  /** A frozen driver is replaced, and thaws as one who thinks that it still drives. */
  #freezeSomeone(): void {
    const { scheduler, random, trace } = this.#parts;
    const candidates = [...this.#drivers, ...this.#workers].filter((process) => process?.frozen === false);
    if (candidates.length === 0) return;
    const process = random.pick(candidates)!;
    const forMs = random.below(FREEZE_MS_MAX);
    trace.fault("freeze", `${process.name} for ${forMs} ms`);
    process.freeze();
    scheduler.after(forMs, () => process.thaw());
    if (this.#drivers.has(process))
      scheduler.after(1 + random.below(RESTART_MS_MAX), () => this.#startDriver());
  }

  #cutSomeoneOff(): void {
    const { scheduler, random, trace } = this.#parts;
    const candidates = [...this.#drivers, ...this.#workers].filter((process) => process !== undefined);
    if (candidates.length === 0) return;
    const { name } = random.pick(candidates);
    trace.fault("partition", name);
    this.#network.isolate(nodeId(name));
    scheduler.after(random.below(FREEZE_MS_MAX), () => this.#network.heal());
  }

  /** A block that is lost, or has one bit flipped. */
  #spoilBlock(): void {
    const { random, trace, blobs } = this.#parts;
    const keys = [...blobs.blobs.keys()].filter((key) => key.includes("/blocks/")).sort();
    if (keys.length === 0) return;
    const key = random.pick(keys);
    const bytes = blobs.blobs.get(key)!;
    if (bytes.length === 0 || random.chance(0.5)) {
      trace.fault("blockLost", key);
      blobs.blobs.delete(key);
      return;
    }
    const at = random.below(bytes.length);
    trace.fault("blockDamaged", `${key} at byte ${at}`);
    const damaged = bytes.slice();
    damaged[at] = damaged[at]! ^ (1 << random.below(8));
    blobs.blobs.set(key, damaged);
  }
}
