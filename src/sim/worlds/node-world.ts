/**
 * A simulated cluster of whole nodes: each runs the shipped `ClusterNode`, with its membership, its seats at the open
 * jobs, drivers and workers. Nobody tells them who drives: they find out.
 *
 * First faults come as the seed has drawn them; then they stop, everybody lives, and every job must end.
 */
import { BicoastalError } from "../../base/errors.ts";
import { contentHash, type JobId, jobId, type NodeId, nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import { ClusterNode, type NodeNote } from "../../runtime/cluster/cluster-node.ts";
import { encodeOpenJob } from "../../runtime/cluster/open-job.ts";
import type { EndResult } from "../../runtime/commit.ts";
import { cardOf } from "../../runtime/drive-job.ts";
import { createTaskExecutor } from "../../runtime/executor/task-executor.ts";
import { JobLog } from "../../runtime/job-log.ts";
import { localReading } from "../../runtime/local-reading.ts";
import type { StoreAudit } from "../check/audit/store-audit.ts";
import type { StoreHistory } from "../check/store/store-history.ts";
import { faultyStore } from "../faults/faulty-store.ts";
import { SimNetwork } from "../faults/network.ts";
import { drawRates, type FaultRates, NO_FAULTS } from "../faults/rates.ts";
import { SimRunner } from "../faults/sim-runner.ts";
import type { SimJob } from "../jobs/sim-job.ts";
import { createMemoryBlobs, type MemoryBlobs } from "../ports/memory-blobs.ts";
import type { MemoryOutputs } from "../ports/memory-outputs.ts";
import { SimProcess } from "../process.ts";
import type { Scheduler } from "../scheduler.ts";
import { meet, type Trace } from "../trace.ts";

const NODES_MAX = 5;
const DRIVER_LEASE_MS = 5_000;
const NODE_LEASE_MS = 4_000;
const WORKER_LEASE_MS = 4_000;
const HEARTBEAT_MS = 1_000;
const FREEZE_MS_MAX = 3 * DRIVER_LEASE_MS;
const RESTART_MS_MAX = 3_000;
const DRAIN_MS_MAX = 20_000;
const TASK_MEMORY_BYTES = 1 << 20;

const SPEC_HASH = contentHash("5".repeat(64));
const openOf = (spec: JobSpec): Uint8Array =>
  encodeOpenJob({ spec: SPEC_HASH, bundle: spec.constants.bundle, holders: [] });

export interface SubmittedJob {
  readonly job: SimJob;
  readonly spec: JobSpec;
}

export interface NodeWorldParts {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
  readonly store: () => ControlStore;
  /** What everybody asks of the store, as they see it. */
  readonly history: StoreHistory;
  readonly audit: StoreAudit;
  readonly outputs: MemoryOutputs;
  /** What tasks have besides the blobs of their node. */
  readonly environment: (blobs: BlobStore) => EngineEnvironment;
  readonly jobs: readonly SubmittedJob[];
}

interface LiveNode {
  readonly name: NodeId;
  readonly process: SimProcess;
  readonly node: ClusterNode;
}

/** The chance that a node that was killed comes back with an empty disk. */
const DISK_LOST = 0.3;

export class NodeWorld {
  readonly #parts: NodeWorldParts;
  readonly #network: SimNetwork<WireMessage>;
  readonly #drawn: FaultRates;
  #rates: FaultRates;
  readonly #nodes: (LiveNode | undefined)[];
  /** By the place of their node; a disk outlives its node's process. */
  readonly #disks: MemoryBlobs[];
  readonly #driving = new Map<JobId, NodeId>();
  readonly #resuming = new Set<JobId>();
  #starts = 0;
  /** Anything that must never happen. */
  readonly problems: string[] = [];
  /** What each committed job gave, by the name it was kept under. */
  readonly results = new Map<string, readonly EndResult[]>();

  constructor(parts: NodeWorldParts) {
    this.#parts = parts;
    this.#drawn = drawRates(parts.random);
    this.#rates = this.#drawn;
    this.#network = new SimNetwork(parts.scheduler, parts.random, () => this.#rates, parts.trace);
    this.#nodes = new Array<undefined>(1 + parts.random.below(NODES_MAX)).fill(undefined);
    this.#disks = this.#nodes.map(() => createMemoryBlobs());
  }

  start(): void {
    for (const { spec } of this.#parts.jobs) this.#submit(spec);
    this.#nodes.forEach((_, index) => {
      this.#startNode(index);
    });
    this.#scheduleFaults();
  }

  stopFaults(): void {
    this.#parts.trace.say("faults stop");
    this.#rates = NO_FAULTS;
    this.#network.heal();
    for (const node of this.#nodes) node?.process.thaw();
  }

  #storeOf(process: SimProcess): ControlStore {
    const { store, history, random, trace } = this.#parts;
    return history.record(faultyStore(store(), process, random, () => this.#rates, trace));
  }

  /** Through a store that may fail, by somebody who waits for the answer. */
  #submit(spec: JobSpec): void {
    const process = new SimProcess(`submitter of ${spec.id}`, this.#parts.scheduler);
    const log = new JobLog(this.#storeOf(process), spec.id, {
      clock: process.clock,
      random: this.#parts.random,
    });
    log.submit(SPEC_HASH, cardOf(spec, undefined), openOf(spec)).then(
      () => this.#parts.trace.say(`${spec.id} is submitted`),
      (error: unknown) => this.problems.push(`the submission failed: ${String(error)}`),
    );
  }

  /** What a user would do about a job that failed. Harmless where it is open again. */
  resume(spec: JobSpec): void {
    if (this.#resuming.has(spec.id)) return;
    this.#resuming.add(spec.id);
    const process = new SimProcess(`resumer of ${spec.id}`, this.#parts.scheduler);
    const log = new JobLog(this.#storeOf(process), spec.id, {
      clock: process.clock,
      random: this.#parts.random,
    });
    this.#parts.trace.met("resumedAfterFailure");
    log.reopen(cardOf(spec, undefined), openOf(spec)).then(
      (opened) => {
        this.#resuming.delete(spec.id);
        this.#parts.trace.say(`${spec.id} is ${opened ? "opened again" : "as it was"}`);
      },
      (error: unknown) => this.problems.push(`a job could not be resumed: ${String(error)}`),
    );
  }

  // ---- Nodes --------------------------------------------------------------------------------------------------

  #startNode(index: number): void {
    const { scheduler, random, trace, outputs, audit } = this.#parts;
    const name = nameOf(index);
    const incarnation = `start ${this.#starts++}`;
    const process = new SimProcess(`${name}, ${incarnation}`, scheduler);
    trace.say(`${process.name}`);
    const disk = this.#disks[index]!;
    const environment = (): EngineEnvironment => this.#parts.environment(this.#blobsOf(index));
    const executor = this.#executor(environment);
    const runner = new SimRunner(1 + random.below(3), process, executor, random, () => this.#rates, trace);
    const node = new ClusterNode({
      card: {
        node: name,
        incarnation,
        address: name,
        region: index % 2 === 0 ? "east" : "west",
        domain: "one",
        slots: runner.slots,
        memoryBytes: TASK_MEMORY_BYTES,
        version: "0",
        startedAtMs: 0,
        state: "ready",
      },
      host: "simulated",
      pid: this.#starts,
      store: this.#storeOf(process),
      retrying: { clock: process.clock, random: new Prng(`${process.name}/${random.nextUint32()}`) },
      links: { ...this.#network.join(name, process), listen: () => {}, unlisten: () => {} },
      runner,
      outputs,
      readRows: localReading(environment).readRows,
      keepResults: async (results) => {
        const hash = contentHash(`results ${this.results.size}`);
        this.results.set(hash, results);
        return hash;
      },
      isDead: () => false,
      timing: {
        driverLeaseMs: DRIVER_LEASE_MS,
        workerLeaseMs: WORKER_LEASE_MS,
        heartbeatMs: HEARTBEAT_MS,
      },
      nodeLeaseMs: NODE_LEASE_MS,
      fetchJob: (job) => process.awaiting(1 + random.below(20), async () => this.#specOf(job)),
      storedJobs: async () => jobsIn(disk),
      sweepJob: (job) =>
        process.awaiting(1, () => {
          audit.onSweep(job, name);
          return disk.deleteAll(`jobs/${job}/blocks/`);
        }),
      sweepShared: async () => {},
      onMember: () => {},
      onNote: (note) => this.#onNote(name, note),
    });
    this.#nodes[index] = { name, process, node };
    node.start().catch((error: unknown) => this.#onThrown(process, error));
  }

  /** The node's own disk; and those of others, as far as the network goes. */
  #blobsOf(index: number): BlobStore {
    const disk = this.#disks[index]!;
    const self = nameOf(index);
    return {
      ...disk,
      open: async (key, at) => {
        if (at === undefined || at === self) return disk.open(key);
        const there = this.#disks.findIndex((_, other) => nameOf(other) === at);
        const isUp = this.#nodes[there]?.process.frozen === false;
        if (isUp && this.#network.connects(self, at)) return this.#disks[there]!.open(key);
        this.#parts.trace.fault("peerUnreachable", `${key} at ${at} from ${self}`);
        throw new BicoastalError("PEER_UNREACHABLE", `${at} does not answer`, {
          retryable: true,
          details: { node: at, key },
        });
      },
    };
  }

  #executor(openEnvironment: () => EngineEnvironment) {
    const byName = new Map(this.#parts.jobs.map(({ job }) => [job.name, job]));
    return this.#parts.audit.watching(
      createTaskExecutor({
        loadJob: async ({ name }) => ({ name, build: () => byName.get(name)!.plan }),
        openEnvironment,
        memoryBytes: TASK_MEMORY_BYTES,
      }),
    );
  }

  #specOf(job: JobId): JobSpec {
    const found = this.#parts.jobs.find(({ spec }) => spec.id === job);
    if (found === undefined) throw new BicoastalError("JOB_NOT_FOUND", `there is no job ${job}`);
    return found.spec;
  }

  #onNote(node: NodeId, note: NodeNote): void {
    const { trace } = this.#parts;
    switch (note.kind) {
      case "driving":
        trace.say(`${node} drives ${note.job}`);
        if (this.#driving.has(note.job)) trace.met("takeOver");
        this.#driving.set(note.job, node);
        return;
      case "drove":
        return trace.say(`${node} drove ${note.job}: ${note.outcome}`);
      case "failed":
        trace.say(`${node} failed at ${note.job}: ${note.error.code}`);
        if (note.error.code !== "STORE_UNAVAILABLE")
          this.problems.push(`${node} failed at ${note.job}: ${note.error.code} ${note.error.message}`);
        return;
      case "draining":
        return trace.say(`${node} drains, and is needed by ${note.jobs.length} jobs`);
      case "drained":
        trace.met("drained");
        return trace.say(`${node} is drained`);
      case "event":
        return meet(trace, note.event);
    }
  }

  #onThrown(process: SimProcess, error: unknown): void {
    process.enter(() =>
      this.problems.push(`${process.name}: ${error instanceof Error ? error.stack : error}`),
    );
  }

  // ---- Faults that come by themselves ---------------------------------------------------------------------------

  #scheduleFaults(): void {
    const { workerKillEveryMs, driverKillEveryMs, freezeEveryMs, partitionEveryMs } = this.#drawn;
    const { blockLossEveryMs, drainEveryMs } = this.#drawn;
    this.#every(workerKillEveryMs, () => this.#killNode(this.#pickNode()));
    this.#every(driverKillEveryMs, () => this.#killNode(this.#pickDriver()));
    this.#every(freezeEveryMs, () => this.#freeze(this.#pickNode()));
    this.#every(partitionEveryMs, () => this.#cutOff(this.#pickNode()));
    this.#every(blockLossEveryMs, () => this.#loseBlock());
    this.#every(drainEveryMs, () => this.#drain(this.#pickNode()));
  }

  /** Again and again at random, the mean given, as long as faults are on. */
  #every(meanMs: number, fault: () => void): void {
    if (meanMs === 0) return;
    const { scheduler, random } = this.#parts;
    scheduler.after(random.below(2 * meanMs), () => {
      if (this.#rates === NO_FAULTS) return;
      fault();
      this.#every(meanMs, fault);
    });
  }

  #pickNode(): LiveNode | undefined {
    const living = this.#nodes.filter((node) => node !== undefined);
    return living.length === 0 ? undefined : this.#parts.random.pick(living);
  }

  #pickDriver(): LiveNode | undefined {
    const names = new Set(this.#driving.values());
    const living = this.#nodes.filter((node) => node !== undefined && names.has(node.name));
    return living.length === 0 ? undefined : this.#parts.random.pick(living);
  }

  #killNode(node: LiveNode | undefined): void {
    if (node === undefined) return;
    const { scheduler, random, trace } = this.#parts;
    const index = this.#nodes.indexOf(node);
    trace.fault([...this.#driving.values()].includes(node.name) ? "driverKill" : "workerKill", node.name);
    node.process.kill();
    this.#nodes[index] = undefined;
    if (random.chance(DISK_LOST)) {
      trace.fault("diskLost", node.name);
      this.#disks[index]!.blobs.clear();
    }
    scheduler.after(1 + random.below(RESTART_MS_MAX), () => this.#startNode(index));
  }

  /** A restart by somebody who asks first, and waits for a while. */
  #drain(live: LiveNode | undefined): void {
    if (live === undefined) return;
    const { scheduler, random, trace } = this.#parts;
    const index = this.#nodes.indexOf(live);
    trace.fault("drain", live.name);
    const restart = (): void => {
      if (this.#nodes[index] !== live) return;
      live.process.kill();
      this.#nodes[index] = undefined;
      scheduler.after(1 + random.below(RESTART_MS_MAX), () => this.#startNode(index));
    };
    live.process.enter(() => void live.node.drain({ alone: random.pick(["wait", "leave"]) }).then(restart));
    scheduler.after(random.below(DRAIN_MS_MAX), restart);
  }

  #freeze(node: LiveNode | undefined): void {
    if (node === undefined || node.process.frozen) return;
    const { scheduler, random, trace } = this.#parts;
    const forMs = random.below(FREEZE_MS_MAX);
    trace.fault("freeze", `${node.name} for ${forMs} ms`);
    node.process.freeze();
    scheduler.after(forMs, () => node.process.thaw());
  }

  #cutOff(node: LiveNode | undefined): void {
    if (node === undefined) return;
    const { scheduler, random, trace } = this.#parts;
    trace.fault("partition", node.name);
    this.#network.isolate(node.name);
    scheduler.after(random.below(FREEZE_MS_MAX), () => this.#network.heal());
  }

  #loseBlock(): void {
    const { random, trace } = this.#parts;
    const { blobs } = random.pick(this.#disks);
    const keys = [...blobs.keys()].filter((key) => key.includes("/blocks/")).sort();
    if (keys.length === 0) return;
    const key = random.pick(keys);
    trace.fault("blockLost", key);
    blobs.delete(key);
  }
}

const jobsIn = ({ blobs }: MemoryBlobs): readonly JobId[] => [
  ...new Set([...blobs.keys()].map((key) => jobId(key.split("/")[1] ?? ""))),
];

const nameOf = (index: number): NodeId => nodeId(`node${index}`);
