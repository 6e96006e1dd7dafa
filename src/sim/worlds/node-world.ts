/**
 * A simulated cluster of whole nodes: each runs the shipped `ClusterNode`, with its membership, its seats at the open
 * jobs, drivers and workers. Nobody tells them who drives: they find out.
 *
 * First faults come as the seed has drawn them; then they stop, everybody lives, and every job must end.
 */
import { BicoastalError, type ErrorCode, type ErrorInfo } from "../../base/errors.ts";
import { contentHash, type JobId, type NodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import type { BlobStore } from "../../ports/blob-store.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import type { Outputs } from "../../ports/outputs.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import { ClusterNode, type NodeNote } from "../../runtime/cluster/cluster-node.ts";
import type { EndResult } from "../../runtime/commit.ts";
import { createTaskExecutor } from "../../runtime/executor/task-executor.ts";
import { localReading } from "../../runtime/local-reading.ts";
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
import type { SimJob } from "../jobs/sim-job.ts";
import { createMemoryBlobs, jobsIn, type MemoryBlobs } from "../ports/memory-blobs.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";
import type { MemoryOutputs } from "../ports/memory-outputs.ts";
import { SimProcess } from "../process.ts";
import type { Scheduler } from "../scheduler.ts";
import { finalSituation, Situations } from "../situations.ts";
import type { Trace } from "../trace.ts";
import { begin, isRefusal, STORE_NODE } from "./disturb.ts";
import { type LiveNode, nameOf } from "./live-node.ts";
import { drawMinority } from "./minority.ts";
import { NodeFaults, regionOf } from "./node-faults.ts";
import { Users } from "./users.ts";

const REGIONS_MAX = 5;
/** How many nodes there are at the most: in most runs few, in some very many. */
const NODES_MAX = [5, 5, 5, 5, 5, 5, 5, 12, 12, 50];
const DRIVER_LEASE_MS = 5_000;
const NODE_LEASE_MS = 4_000;
const WORKER_LEASE_MS = 4_000;
const HEARTBEAT_MS = 1_000;
const RESTART_MS_MAX = 3_000;
/** So little on some nodes that even small tasks spill. */
const TASK_MEMORY_BYTES = [1 << 20, 1 << 20, 1 << 10];
/** Why a node lays a job down for a while, that is no fault of its own. */
const EXPECTED: readonly ErrorCode[] = ["STORE_UNAVAILABLE", "STORE_REFUSED", "DISK_FULL"];
/** And in a store that forgot the job, or that it had committed, when nodes had deleted what they stored of it. */
const EXPECTED_SET_BACK: readonly ErrorCode[] = ["JOB_NOT_FOUND", "BLOB_MISSING"];
/** Some nodes stay away for long, */
const AWAY_LONG = 0.1;
const AWAY_MS_MAX = 60_000;
/** and some for good. */
const GONE = 0.05;

export interface SubmittedJob {
  readonly job: SimJob;
  readonly spec: JobSpec;
}

export interface NodeWorldParts {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
  readonly faults: Faults;
  readonly backend: MemoryStoreBackend;
  readonly store: () => ControlStore;
  /** What everybody asks of the store, as they see it. */
  readonly history: StoreHistory;
  readonly audit: StoreAudit;
  readonly outputs: MemoryOutputs;
  /** What tasks have besides the blobs of their node. */
  readonly environment: (blobs: BlobStore, outputs: Outputs) => EngineEnvironment;
  readonly jobs: readonly SubmittedJob[];
  /** A job that no node here understands. */
  readonly newer: JobSpec | undefined;
}

/** The chance that a node that was killed comes back with an empty disk. */
const DISK_LOST = 0.3;

export class NodeWorld {
  readonly #parts: NodeWorldParts;
  readonly #network: SimNetwork<WireMessage>;
  readonly #situations: Situations;
  /** Outputs that somebody began to commit, by who. */
  readonly #commits = new Map<string, string>();
  readonly #regions: number;
  readonly #gone = new Set<number>();
  readonly #nodes: (LiveNode | undefined)[];
  /** By the place of their node; a disk outlives its node's process. */
  readonly #disks: MemoryBlobs[];
  readonly #driving = new Map<JobId, NodeId>();
  readonly #users: Users;
  #starts = 0;
  #cut: ReadonlySet<NodeId> = new Set();
  /** Anything that must never happen. */
  readonly problems: string[] = [];
  readonly failures = new FailureCheck();
  /** What each committed job gave, by the name it was kept under. */
  readonly results = new Map<string, readonly EndResult[]>();

  constructor(parts: NodeWorldParts) {
    this.#parts = parts;
    const { random, trace, faults } = parts;
    this.#network = new SimNetwork(faults);
    this.#situations = new Situations(trace);
    this.#users = new Users(faults, (process, self) => this.#storeOf(process, self), this.problems);
    this.#nodes = new Array<undefined>(1 + random.below(random.pick(NODES_MAX))).fill(undefined);
    this.#regions = 1 + random.below(Math.min(REGIONS_MAX, this.#nodes.length));
    trace.say("", `${this.#nodes.length} nodes in ${this.#regions} regions`);
    this.#disks = this.#nodes.map(() => createMemoryBlobs());
  }

  /** Keys of the blocks on the disks of nodes that live: nobody can tidy up the others. */
  get blocks(): readonly string[] {
    const disks = this.#disks.filter((_, index) => this.#nodes[index] !== undefined);
    return disks.flatMap(({ blobs }) => [...blobs.keys()]).filter((key) => key.includes("/blocks/"));
  }

  /** How many nodes are up. */
  get living(): number {
    return this.#nodes.filter((node) => node !== undefined).length;
  }

  start(): void {
    for (const { spec } of this.#parts.jobs) this.#users.submit(spec);
    this.#nodes.forEach((_, index) => {
      this.#startNode(index);
    });
    const { faults, backend, history, audit, jobs } = this.#parts;
    new NodeFaults({
      faults,
      backend,
      history,
      audit,
      specs: jobs.map(({ spec }) => spec),
      network: this.#network,
      nodes: this.#nodes,
      disks: this.#disks,
      regions: this.#regions,
      driving: this.#driving,
      users: this.#users,
    }).schedule();
  }

  /** What a user would do about a job that failed. Harmless where it is open again. */
  resume(spec: JobSpec): void {
    this.#users.resume(spec);
  }

  /** Somebody is about to have it opened again. */
  isResuming({ id }: JobSpec): boolean {
    return this.#users.isResuming(id);
  }

  /** A job has failed as it had to. */
  onFinal(error: ErrorInfo): void {
    this.#parts.trace.met(finalSituation(error));
  }

  stopFaults(): void {
    this.#parts.trace.say("", "the faults stop");
    this.#parts.faults.stop();
    this.#network.heal();
    for (const node of this.#nodes) {
      node?.process.thaw();
      node?.process.unblock();
      node?.process.drift(1);
    }
  }

  /** Leaves some nodes cut off from the store and all others, until `heal`. Returns who; empty where it is nobody. */
  isolateMinority(): string {
    const { random, trace } = this.#parts;
    const cut = drawMinority(random, this.#nodes.length, this.#gone);
    if (cut.size === 0) return "";
    this.#network.cutOff(cut, Number.POSITIVE_INFINITY);
    this.#cut = cut;
    trace.met("minorityCutOff");
    trace.say("", `${[...cut].join(" ")} stay cut off`);
    return [...cut].join(", ");
  }

  heal(): void {
    this.#network.heal();
    this.#cut = new Set();
  }

  /** Whether there is a node that can drive. */
  get hasDrivers(): boolean {
    return this.#nodes.some((node) => node !== undefined && !this.#cut.has(node.name));
  }

  #storeOf(process: SimProcess, self: NodeId): ControlStore {
    const { store, history, faults } = this.#parts;
    const way = {
      there: () => this.#network.connects(self, STORE_NODE),
      back: () => this.#network.connects(STORE_NODE, self),
    };
    const recorded = history.record(faultyStore(store(), process, faults, way), process);
    return watchFences(recorded, (problem) => this.problems.push(problem));
  }

  // ---- Nodes --------------------------------------------------------------------------------------------------

  #startNode(index: number): void {
    const { scheduler, random, trace, faults, audit } = this.#parts;
    const name = nameOf(index);
    const incarnation = `start ${this.#starts++}`;
    const process = new SimProcess(name, scheduler);
    trace.say(name, incarnation);
    begin(process, faults);
    process.onKilled = () => this.#onKilled(index);
    const disk = this.#disks[index]!;
    const outputs = faultyOutputs(this.#parts.outputs, process, faults, this.#commits);
    const blobs = this.#blobsOf(index, process);
    const environment = (): EngineEnvironment => {
      const made = this.#parts.environment(blobs, outputs);
      return { ...made, scratch: faultyScratch(made.scratch, process, faults) };
    };
    const memoryBytes = random.pick(TASK_MEMORY_BYTES);
    const executor = this.#executor(environment, memoryBytes);
    const runner = new SimRunner(1 + random.below(3), process, executor, faults, {
      onAttempt: (request) => this.#situations.onAttempt(request),
      onOutcome: (request, outcome) => this.failures.onOutcome(request, outcome),
    });
    const inspect = audit.inspecting(name);
    const deposed = new DeposedCheck(process, () => scheduler.nowMs, this.problems);
    const node = new ClusterNode({
      card: {
        node: name,
        incarnation,
        address: name,
        region: `region${regionOf(index, this.#regions)}`,
        domain: "one",
        slots: runner.slots,
        memoryBytes,
        version: "0",
        startedAtMs: 0,
        state: "ready",
      },
      host: "simulated",
      pid: this.#starts,
      store: deposed.watching(this.#storeOf(process, name)),
      retrying: {
        clock: faults.points.timersOf(process),
        random: new Prng(`${name}/${random.nextUint32()}`),
      },
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
      inspect: (state) => {
        inspect(state);
        deposed.onStep(state);
      },
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
    node.start().catch((error: unknown) => process.enter(() => this.#onNotStarted(process, error)));
  }

  /** Whoever looks after the machine starts it again. */
  #onKilled(index: number): void {
    const { scheduler, random, trace, faults } = this.#parts;
    const node = this.#nodes[index];
    this.#nodes[index] = undefined;
    if (node !== undefined && !faults.stopped) {
      if (random.chance(DISK_LOST)) {
        trace.fault("diskLost", node.name);
        this.#disks[index]!.blobs.clear();
      }
      if (this.#gone.size + 1 < this.#nodes.length && random.chance(GONE)) {
        trace.fault("nodeGone", node.name);
        this.#gone.add(index);
        return;
      }
    }
    const awayMsMax = !faults.stopped && random.chance(AWAY_LONG) ? AWAY_MS_MAX : RESTART_MS_MAX;
    scheduler.after(1 + random.below(awayMsMax), () => {
      if (this.#nodes[index] === undefined) this.#startNode(index);
    });
  }

  /** A node that finds the store full does not come up, and is started again. */
  #onNotStarted(process: SimProcess, error: unknown): void {
    if (isRefusal(error)) return process.kill();
    this.problems.push(`${process.name}: ${error instanceof Error ? error.stack : error}`);
  }

  /** The node's own disk; and those of others, as far as the network goes. */
  #blobsOf(index: number, process: SimProcess): BlobStore {
    const disk = faultyDisk(this.#disks[index]!, process, this.#parts.faults);
    const self = nameOf(index);
    return {
      ...disk,
      open: async (key, at) => {
        if (at === undefined || at === self) return disk.open(key);
        const there = this.#disks.findIndex((_, other) => nameOf(other) === at);
        const isUp = this.#nodes[there]?.process.frozen === false;
        const isThere = this.#network.connects(self, at) && this.#network.connects(at, self);
        if (isUp && isThere) return this.#disks[there]!.open(key);
        this.#parts.trace.fault("peerUnreachable", `${key} at ${at} from ${self}`);
        throw new BicoastalError("PEER_UNREACHABLE", `${at} does not answer`, {
          retryable: true,
          details: { node: at, key },
        });
      },
    };
  }

  #executor(openEnvironment: () => EngineEnvironment, memoryBytes: number) {
    const byName = new Map(this.#parts.jobs.map(({ job }) => [job.name, job]));
    return this.#parts.audit.watching(
      createTaskExecutor({
        loadJob: async ({ name }) => ({ name, build: () => byName.get(name)!.plan }),
        openEnvironment,
        memoryBytes,
      }),
    );
  }

  #specOf(job: JobId): JobSpec {
    const { jobs, newer } = this.#parts;
    if (newer?.id === job) return newer;
    const found = jobs.find(({ spec }) => spec.id === job);
    if (found === undefined) throw new BicoastalError("JOB_NOT_FOUND", `there is no job ${job}`);
    return found.spec;
  }

  #onNote(node: NodeId, note: NodeNote): void {
    const { trace } = this.#parts;
    switch (note.kind) {
      case "driving":
        if (this.#driving.has(note.job)) trace.met("takeOver");
        this.#driving.set(note.job, node);
        return;
      case "drove":
        if (note.outcome === "cancelled") trace.met("cancelled");
        return trace.say(node, `drove ${note.job}: ${note.outcome}`);
      case "failed":
        trace.say(node, `failed at ${note.job}: ${note.error.code}`);
        if (note.job === this.#parts.newer?.id && note.error.code === "STORE_CORRUPT")
          return trace.met("newerVersionRefused");
        if (this.#parts.faults.setBacks > 0 && EXPECTED_SET_BACK.includes(note.error.code)) return;
        if (!EXPECTED.includes(note.error.code))
          this.problems.push(`${node} failed at ${note.job}: ${note.error.code} ${note.error.message}`);
        return;
      case "draining":
        return trace.say(node, `drains, and is needed by ${note.jobs.length} jobs`);
      case "namesake":
        return trace.say(node, "finds another's card under its name");
      case "drained":
        trace.met("drained");
        return trace.say(node, "is drained");
      case "event":
        this.failures.onEvent(node, this.#specOf(note.job), note.event);
        return this.#situations.onEvent(node, this.#specOf(note.job), note.event);
    }
  }
}
