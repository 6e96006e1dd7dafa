/**
 * The cluster that chaos harms: five nodes in three regions, a member of etcd in each, and all that stands around them.
 *
 * Where networks may be made, each of them is on a machine of its own as far as the network goes; where disks may be
 * mounted, each node has a small one. The first node of a region is reached through a link whose weather can change.
 */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { Prng } from "../../src/base/prng.ts";
import { type NetworkSpace, NetworkSpaces } from "../cluster/network-spaces.ts";
import { EtcdServers } from "../etcd/etcd-servers.ts";
import type { Abilities } from "./abilities.ts";
import { ChaosNode } from "./chaos-node.ts";
import { Journal } from "./journal.ts";
import { MemoryLimit } from "./memory-limit.ts";
import type { Room } from "./room.ts";
import { SlowLink } from "./slow-link.ts";

/** Nodes of each region, in which a member of etcd stands as well. */
const REGIONS = { east: 2, west: 2, north: 1 } as const;
export type Region = keyof typeof REGIONS;
export const REGION_NAMES = Object.keys(REGIONS) as readonly Region[];
export const MEMBERS = REGION_NAMES.length;
const NODE_PORT = 7400;
const DISK_BYTES = 48 * 1024 * 1024;
/** Whatever must come does within this time, also on a busy machine. */
export const WAIT_MS_MAX = 600_000;
const POLL_MS = 50;

export interface ClusterSettings {
  readonly room: Room;
  readonly seed: string;
  /** The built command. */
  readonly bin: string;
  readonly abilities: Abilities;
  readonly leaseMs: number;
}

export class ChaosCluster {
  readonly settings: ClusterSettings;
  readonly journal = new Journal();
  readonly nodes: ChaosNode[] = [];
  readonly links: SlowLink[] = [];
  readonly token = randomBytes(32).toString("hex");
  etcd!: EtcdServers;
  network: NetworkSpaces | undefined;
  /** Of the members of etcd. */
  readonly #memberSpaces: NetworkSpace[] = [];
  readonly #starting = new Map<number, Promise<void>>();
  readonly #disks: string[] = [];
  readonly #memory: MemoryLimit[] = [];

  private constructor(settings: ClusterSettings) {
    this.settings = settings;
  }

  static async start(settings: ClusterSettings): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(settings);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.close();
      throw error;
    }
  }

  /** What `--store` takes. */
  get store(): string {
    return `etcd://${this.etcd.endpoints.join(",")}`;
  }
  /** For whoever talks to nodes. */
  get env(): Readonly<Record<string, string>> {
    const { room } = this.settings;
    return { BICOASTAL_TOKEN: this.token, BICOASTAL_CHAOS: room.mark, TMPDIR: room.in("tmp"), NO_COLOR: "1" };
  }

  async #start(): Promise<void> {
    const { abilities, room } = this.settings;
    if (abilities.networks) this.network = new NetworkSpaces();
    for (const _ of REGION_NAMES) if (this.network !== undefined) this.#memberSpaces.push(this.network.add());
    this.etcd = await EtcdServers.start(MEMBERS, {
      ...(this.network === undefined ? {} : { machines: this.#memberSpaces }),
      within: room.path,
      onLine: (member, line) => room.log(`etcd-${REGION_NAMES[member]}`, line),
    });
    for (const region of REGION_NAMES) {
      for (let i = 1; i <= REGIONS[region]; i++) this.nodes.push(await this.#node(region, i));
    }
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  async #node(region: Region, index: number): Promise<ChaosNode> {
    const { room, leaseMs, abilities, seed, bin } = this.settings;
    const name = `${region}-${index}`;
    const dataDir = room.in("nodes", name);
    mkdirSync(dataDir);
    if (abilities.disks) this.#mount(dataDir);
    const space = this.network?.add();
    const host = space?.address ?? "127.0.0.1";
    const port = space === undefined ? await freePort() : NODE_PORT;
    const { clocks } = abilities;
    const clock = clocks === undefined ? undefined : { file: room.in("clocks", name), library: clocks };
    if (clock !== undefined) writeFileSync(clock.file, "+0\n");
    const memory = abilities.memory ? new MemoryLimit(name) : undefined;
    if (memory !== undefined) this.#memory.push(memory);
    const proxy = index === 1 ? new SlowLink(new Prng(`${seed}/link/${name}`)) : undefined;
    if (proxy !== undefined) this.links.push(proxy);
    proxy?.leadTo(host, port);
    return new ChaosNode({
      ...{ name, region, dataDir, store: this.store, leaseMs, host, port, space, clock, memory },
      link: proxy && { proxy, address: await proxy.listen(this.network?.host ?? "127.0.0.1") },
      hasDisk: abilities.disks,
      bin,
      cwd: room.path,
      env: this.env,
      onLine: (node, line) => this.journal.onLine(node, line, performance.now()),
      onText: (from, line) => room.log(from, line),
    });
  }

  #mount(directory: string): void {
    const size = `size=${DISK_BYTES}`;
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", size, "tmpfs", directory], {
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`mount ${directory}: ${stderr}`);
    this.#disks.push(directory);
  }

  // ---- Partitions --------------------------------------------------------------------------------------------

  spaceOfMember(member: number): NetworkSpace | undefined {
    return this.#memberSpaces[member];
  }

  /** Neither reaches the other any more; returns what joins them again. */
  cutNodes(a: ChaosNode, b: ChaosNode): () => void {
    const [from, to] = [a.parts.space, b.parts.space];
    if (this.network === undefined || from === undefined || to === undefined) return () => {};
    const heal = this.cutSpaces(from, to);
    a.parts.link?.proxy.cut(to.address);
    b.parts.link?.proxy.cut(from.address);
    return () => {
      heal();
      a.parts.link?.proxy.heal(to.address);
      b.parts.link?.proxy.heal(from.address);
    };
  }
  cutFromMember(node: ChaosNode, member: number): () => void {
    const [from, to] = [node.parts.space, this.#memberSpaces[member]];
    return from === undefined || to === undefined ? () => {} : this.cutSpaces(from, to);
  }
  cutSpaces(a: NetworkSpace, b: NetworkSpace): () => void {
    this.network?.cut(a, b);
    return () => this.network?.heal(a, b);
  }

  // ---- Waiting -----------------------------------------------------------------------------------------------

  /** Whether it came in time. */
  async came(withinMs: number, happened: () => boolean | Promise<boolean>): Promise<boolean> {
    const endMs = performance.now() + withinMs;
    while (!(await happened())) {
      if (performance.now() > endMs) return false;
      await delay(POLL_MS);
    }
    return true;
  }
  /** Of what must come. */
  async until(what: string, happened: () => boolean | Promise<boolean>): Promise<void> {
    if (!(await this.came(WAIT_MS_MAX, happened))) throw new Error(`L15: waited in vain until ${what}`);
  }
  /** Starts it as its supervisor would, again and again where it finds no store; resolves when it belongs to the cluster. */
  async restart(node: ChaosNode): Promise<void> {
    let last: unknown;
    let joining: Promise<void> | undefined;
    const joined = async (): Promise<boolean> => {
      if (node.isUp) return true;
      if (joining !== undefined) return false;
      joining = node.start().catch((error: unknown) => {
        last = error;
        joining = undefined;
      });
      return false;
    };
    if (await this.came(WAIT_MS_MAX, joined)) return;
    throw new Error(
      `L15: ${node.name} does not belong to the cluster again: ${last ?? "it neither joins nor ends"}`,
    );
  }

  /** Resolves when they serve clients. One that another fault starts at this time is waited for. */
  async startMembers(members: readonly number[]): Promise<void> {
    await Promise.all(
      members.map((member) => {
        if (!this.etcd.isRunning(member) && !this.#starting.has(member)) {
          const starting = this.etcd.startMember(member).finally(() => this.#starting.delete(member));
          this.#starting.set(member, starting);
        }
        return this.#starting.get(member);
      }),
    );
  }

  /** A new one takes its place, with an empty disk. */
  async replaceMember(member: number): Promise<void> {
    await this.#starting.get(member);
    const replacing = this.etcd.replace(member).finally(() => this.#starting.delete(member));
    this.#starting.set(member, replacing);
    await replacing;
  }

  /** Ends all there is, and unmounts and removes what it made outside of the room. */
  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    await this.etcd?.stop();
    await Promise.all(this.links.map((link) => link.close()));
    for (const disk of this.#disks) spawnSync("umount", [disk]);
    this.network?.close();
    for (const limit of this.#memory) limit.close();
  }
}

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
