/** What happens by itself to a cluster of whole nodes, at the rates that a seed has drawn. */
import type { JobId, NodeId } from "../../base/ids.ts";
import type { WireMessage } from "../../protocol/wire.ts";
import type { StoreHistory } from "../check/store/store-history.ts";
import type { Faults } from "../faults/faults.ts";
import type { SimNetwork } from "../faults/network.ts";
import { scheduleStoreFaults } from "../faults/store-weather.ts";
import type { MemoryBlobs } from "../ports/memory-blobs.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";
import type { SimProcess } from "../process.ts";
import { block, freeze, jumpWall, STORE_NODE, spoilBlock, stutter } from "./disturb.ts";
import { type LiveNode, nameOf } from "./live-node.ts";
import type { Users } from "./users.ts";

const FREEZE_MS_MAX = 15_000;
const DRAIN_MS_MAX = 20_000;
const REGION_MS_MAX = 20_000;

export interface DisturbedNodes {
  readonly faults: Faults;
  readonly backend: MemoryStoreBackend;
  readonly history: StoreHistory;
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
    scheduleStoreFaults(faults, backend, going, (lease) => history.leaseCut(lease));
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
