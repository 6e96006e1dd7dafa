/** What every fault works with. */
import type { ChaosCluster } from "../chaos-cluster.ts";
import { delay, WAIT_MS_MAX } from "../chaos-cluster.ts";
import type { ChaosNode } from "../chaos-node.ts";
import type { DyingClients } from "../dying-clients.ts";
import type { Fault } from "../schedule.ts";

/** Does the harm, lets it last, takes it back and waits until what was harmed is well again. Resolves with what it did. */
export type Inject = (room: FaultRoom, fault: Fault) => Promise<string>;

/** For somebody to drive a job whose driver can be harmed. */
const DRIVER_WAIT_MS = 15_000;

export class FaultRoom {
  readonly cluster: ChaosCluster;
  readonly clients: DyingClients;
  readonly leaseMs: number;

  constructor(cluster: ChaosCluster, clients: DyingClients) {
    this.cluster = cluster;
    this.clients = clients;
    this.leaseMs = cluster.settings.leaseMs;
  }

  /** So many lease times. */
  hold(leases: number): Promise<void> {
    return delay(leases * this.leaseMs);
  }

  /** One of the nodes that are up and that no other fault has; the fault has it until `done` ends. */
  async withNode(
    { pick }: Fault,
    done: (node: ChaosNode) => Promise<string>,
    among: (node: ChaosNode) => boolean = () => true,
  ): Promise<string> {
    const free = this.cluster.nodes.filter((node) => node.isUp && !node.taken && among(node));
    const node = free[Math.floor(pick * free.length)];
    return node === undefined ? "met nobody" : this.having([node], () => done(node));
  }

  /** One that drives nothing. */
  withWorker(fault: Fault, done: (node: ChaosNode) => Promise<string>): Promise<string> {
    const drivers = this.#drivers();
    return this.withNode(fault, done, (node) => !drivers.includes(node));
  }

  /** One that drives a job. */
  async withDriver(fault: Fault, done: (node: ChaosNode) => Promise<string>): Promise<string> {
    const free = (): readonly ChaosNode[] => this.#drivers().filter((node) => node.isUp && !node.taken);
    await this.cluster.came(DRIVER_WAIT_MS, () => free().length > 0);
    const drivers = free();
    return this.withNode(fault, done, (node) => drivers.includes(node));
  }

  /** All nodes that are up and free, by name. */
  async withAll(done: (nodes: readonly ChaosNode[]) => Promise<string>): Promise<string> {
    await this.cluster.came(WAIT_MS_MAX, () => this.cluster.nodes.every((node) => !node.taken));
    return this.having(this.cluster.nodes, () => done(this.cluster.nodes));
  }

  async having<T>(nodes: readonly ChaosNode[], done: () => Promise<T>): Promise<T> {
    for (const node of nodes) node.taken = true;
    try {
      return await done();
    } finally {
      for (const node of nodes) node.taken = false;
    }
  }

  #drivers(): readonly ChaosNode[] {
    const { journal } = this.cluster;
    return [...new Set(journal.underWay().flatMap((job) => journal.driverOf(job) ?? []))];
  }

  // ---- Single deeds ------------------------------------------------------------------------------------------

  async kill(node: ChaosNode): Promise<void> {
    this.cluster.journal.lostDriver(node, performance.now());
    await node.kill();
  }
  async freeze(node: ChaosNode, leases: number): Promise<void> {
    this.cluster.journal.lostDriver(node, performance.now());
    node.freeze();
    await this.hold(leases);
    node.thaw();
    this.cluster.journal.driverIsBack(node);
  }
}
