/** What happens by itself to a cluster of whole nodes, at the rates that a seed has drawn. */
import type { JobId, NodeId } from "../../base/ids.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import type { StoreAudit } from "../check/audit/store-audit.ts";
import type { StoreHistory } from "../check/store/store-history.ts";
import type { Faults } from "../faults/faults.ts";
import type { SimNetwork } from "../faults/network.ts";
import { scheduleStoreFaults } from "../faults/store-weather.ts";
import type { MemoryBlobs } from "../ports/memory-blobs.ts";
import type { MemoryStoreBackend, StoreSnapshot } from "../ports/memory-control-store-backend.ts";
import type { SimProcess } from "../process.ts";
import { block, freeze, jumpWall, STORE_NODE, spoilBlock, stutter } from "./disturb.ts";
import { type LiveNode, nameOf } from "./live-node.ts";
import type { Users } from "./users.ts";

/** How old a snapshot is at the most that the store is set back to. */
const SNAPSHOT_MS_MAX = 10_000;
const FREEZE_MS_MAX = 15_000;
const DRAIN_MS_MAX = 20_000;
const REGION_MS_MAX = 20_000;

export interface DisturbedNodes {
  readonly faults: Faults;
  readonly backend: MemoryStoreBackend;
  readonly history: StoreHistory;
  readonly audit: StoreAudit;
  /** Jobs that users have submitted, or will have. */
  readonly specs: readonly JobSpec[];
  readonly network: SimNetwork<WireMessage>;
  /** By their place; those that are down are undefined. */
  readonly nodes: readonly (LiveNode | undefined)[];
  readonly disks: readonly MemoryBlobs[];
  readonly regions: number;
  /** Who drives, as far as anybody has said. */
  readonly driving: ReadonlyMap<JobId, NodeId>;
  readonly users: Users;
}

/** In which region the node of this place stands. */
export const regionOf = (index: number, regions: number): number => index % regions;

export class NodeFaults {
  readonly #parts: DisturbedNodes;

  constructor(parts: DisturbedNodes) {
    this.#parts = parts;
  }

  schedule(): void {
    const { faults, backend, history, nodes, disks, users, network } = this.#parts;
    const { drawn, random } = faults;
    const going = (): boolean => true;
    const every = (meanMs: number, fault: () => void): void => faults.every(meanMs, fault, going);
    every(drawn.workerKillEveryMs, () => this.#killNode(this.#pickNode()));
    every(drawn.driverKillEveryMs, () => this.#killNode(this.#pickDriver()));
    every(drawn.drainEveryMs, () => this.#drain(this.#pickNode()));
    every(drawn.regionLossEveryMs, () => this.#loseRegion());
    every(drawn.cancelEveryMs, () => users.cancelSome());
    every(drawn.partitionEveryMs, () => {
      const names = [...nodes.keys()].map(nameOf);
      const cut = network.cutSome([...names, STORE_NODE], random.below(FREEZE_MS_MAX));
      faults.trace.fault("partition", cut);
    });
    every(drawn.freezeEveryMs, () =>
      this.#someone((process) => freeze(process, random.below(FREEZE_MS_MAX), faults)),
    );
    every(drawn.blockEveryMs, () =>
      this.#someone((process) => block(process, random.below(FREEZE_MS_MAX), faults)),
    );
    every(drawn.stutterEveryMs, () => this.#someone((process) => stutter(process, faults)));
    every(drawn.wallJumpEveryMs, () => this.#someone((process) => jumpWall(process, faults)));
    every(drawn.blockLossEveryMs, () => spoilBlock(random.pick(disks).blobs, faults));
    every(drawn.setBackEveryMs, () => this.#saveSnapshot());
    scheduleStoreFaults(faults, backend, going, (lease) => history.leaseCut(lease));
  }

  /** Saves what the store holds, to restore it a while later. */
  #saveSnapshot(): void {
    const { faults, backend } = this.#parts;
    const snapshot = backend.snapshot();
    const { setBacks } = faults;
    faults.scheduler.after(faults.random.below(SNAPSHOT_MS_MAX), () => {
      // One of a state that the store has been set back from would bring what the checks have forgotten.
      if (!faults.stopped && faults.setBacks === setBacks) this.#restore(snapshot);
    });
  }

  /**
   * Connections to the store end with it, and what was asked has no answer. Nodes are stopped before, or live on with all they
   * remember of what the store has forgotten.
   */
  #restore(snapshot: StoreSnapshot): void {
    const { faults, backend, history, audit, users, specs } = this.#parts;
    const driven = (): readonly string[] =>
      specs.flatMap(({ id }) => {
        const { entry } = backend.get(jobKeys(id).epoch);
        return entry === undefined ? [] : [`${id} ${Buffer.from(entry.value).toString()}`];
      });
    const before = driven();
    const from = backend.history().revision;
    faults.trace.fault("setBack", `from revision ${from} to ${snapshot.revision}`);
    const stopped = faults.random.chance(0.3);
    if (stopped) this.#restartAll();
    faults.setBacks++;
    backend.restore(snapshot);
    history.restored(snapshot);
    audit.restored(snapshot);
    const after = new Set(driven());
    if (!stopped && before.some((term) => !term.endsWith(" 0") && !after.has(term)))
      faults.trace.met("setBackWhileDriven");
    users.submitAgain(specs, (job) => backend.get(jobKeys(job).epoch).entry !== undefined);
  }

  /** They are all down at once, so that nothing that was said before is heard after it. */
  #restartAll(): void {
    const { faults, nodes, network } = this.#parts;
    faults.trace.say("", "all nodes are stopped");
    for (const node of nodes) node?.process.kill();
    network.forget();
  }

  #someone(disturb: (process: SimProcess) => void): void {
    const live = this.#pickNode();
    if (live?.process.frozen === false) disturb(live.process);
  }

  #pickNode(): LiveNode | undefined {
    const living = this.#parts.nodes.filter((node) => node !== undefined);
    return living.length === 0 ? undefined : this.#parts.faults.random.pick(living);
  }

  #pickDriver(): LiveNode | undefined {
    const names = new Set(this.#parts.driving.values());
    const living = this.#parts.nodes.filter((node) => node !== undefined && names.has(node.name));
    return living.length === 0 ? undefined : this.#parts.faults.random.pick(living);
  }

  #killNode(node: LiveNode | undefined): void {
    if (node === undefined) return;
    const drives = [...this.#parts.driving.values()].includes(node.name);
    this.#parts.faults.trace.fault(drives ? "driverKill" : "workerKill", node.name);
    node.process.kill();
  }

  /** A whole region goes dark, or nobody elsewhere can reach it. */
  #loseRegion(): void {
    const { faults, nodes, network, regions } = this.#parts;
    const { random, trace } = faults;
    const region = random.below(regions);
    const lost = nodes.filter((node, index) => node !== undefined && regionOf(index, regions) === region);
    if (random.chance(0.5)) {
      trace.fault("regionKill", `region${region}`);
      for (const node of lost) node?.process.kill();
      return;
    }
    trace.fault("regionCut", `region${region}`);
    const names = new Set(
      [...nodes.keys()].filter((index) => regionOf(index, regions) === region).map(nameOf),
    );
    network.cutOff(names, random.below(REGION_MS_MAX));
  }

  /** A restart by somebody who asks first, and waits for a while. */
  #drain(live: LiveNode | undefined): void {
    if (live === undefined) return;
    const { faults, nodes } = this.#parts;
    const { scheduler, random, trace } = faults;
    const index = nodes.indexOf(live);
    trace.fault("drain", live.name);
    const restart = (): void => {
      if (nodes[index] === live) live.process.kill();
    };
    live.process.enter(() => void live.node.drain({ alone: random.pick(["wait", "leave"]) }).then(restart));
    scheduler.after(random.below(DRAIN_MS_MAX), restart);
  }
}
