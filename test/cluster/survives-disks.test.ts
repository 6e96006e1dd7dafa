/** A disk that is full, and block files that are not what they were. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EtcdServers, hasEtcd } from "../etcd/etcd-servers.ts";
import { LONG_LEASE_MS, type NodeProcess, NodeProcesses, type Output, runAlone } from "./node-processes.ts";

const DISK_BYTES = 4 * 1024 * 1024;
const PIECE_BYTES = 4 * 1024;

/** A command that gives the one after it a disk of its own at a directory. The disk goes with the process. */
const withDisk = (directory: string): readonly string[] => {
  mkdirSync(directory);
  const script = `mount -t tmpfs -o size=${DISK_BYTES} tmpfs "$0" && exec "$@"`;
  return ["unshare", "-m", "sh", "-c", script, directory];
};
/** Only root may mount. */
const mayMount =
  process.platform === "linux" &&
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).status === 0;

/** The node's own disk, seen from here. */
const diskOf = (node: NodeProcess): string => join(`/proc/${node.process.pid}/root`, node.dataDir);

function fill(node: NodeProcess): void {
  const piece = new Uint8Array(PIECE_BYTES);
  for (;;) {
    try {
      writeFileSync(join(diskOf(node), "filler"), piece, { flag: "a" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOSPC") return;
      throw error;
    }
  }
}

const change = (file: string, edit: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(file);
  edit(bytes);
  writeFileSync(file, bytes);
};
const flip = (at: (bytes: number) => number) => (file: string) =>
  change(file, (bytes) => {
    bytes[at(bytes.length)]! ^= 0x10;
  });

const DAMAGES: readonly ((file: string) => void)[] = [
  // In the first frame: what comes before it nobody needs.
  flip(() => 20),
  flip((bytes) => bytes >> 1),
  flip((bytes) => bytes - 1),
  (file) => truncateSync(file, statSync(file).size >> 1),
  (file) => truncateSync(file, statSync(file).size - 1),
  (file) => truncateSync(file, 0),
  (file) => change(file, (bytes) => bytes.fill(0)),
  (file) => rmSync(file),
];

describe.runIf(hasEtcd)("a job outlasts", () => {
  let etcd: EtcdServers;
  let alone: Output;
  let clusters = 0;
  beforeAll(async () => {
    [etcd, alone] = await Promise.all([EtcdServers.start(3), runAlone()]);
  });
  afterAll(() => etcd?.stop());
  const open = (): NodeProcesses =>
    new NodeProcesses({ store: `etcd://${etcd.endpoints.join(",")}/disks-${clusters++}` });

  test("block files that were damaged, cut short or deleted", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startLasting("a", "b", "c");
    const blocks = (): readonly string[] => cluster.nodes.flatMap((node) => node.blocks());
    const output = cluster.run();
    job.admit("map", 9);
    await cluster.until("nine blocks are there", () => blocks().length === 9);
    const first = blocks();
    DAMAGES.forEach((damage, i) => {
      damage(first[i]!);
    });
    job.open("map", "reduce");
    await cluster.until("all nodes are at work on the last stage", () => job.arrived("sorted") >= 3);
    const { outputLost } = await cluster.audit({ underWay: true });
    // Nothing else, but where a node stood still for so long that others could not fetch from it.
    if (cluster.reached) expect(outputLost).toBe(DAMAGES.length);
    expect(outputLost).toBeGreaterThanOrEqual(DAMAGES.length);
    // Those of the next stage as well, while some of who reads them has not begun.
    const second = blocks().filter((file) => !first.includes(file));
    second.forEach((file, i) => {
      DAMAGES[i % DAMAGES.length]!(file);
    });
    job.open("sorted");
    expect(await output).toEqual(alone);
    expect((await cluster.audit()).outputLost).toBeGreaterThan(DAMAGES.length);
  });

  // Needs root: a disk is mounted.
  test.runIf(mayMount)("the full disk of a node that works and drives", async () => {
    const cluster = open();
    const { job } = cluster;
    // Whoever drives is to go on driving: nobody else is told of its disk.
    const within = withDisk(cluster.path("data-full"));
    const full = await cluster.start("full", { within, leaseMs: LONG_LEASE_MS });
    const output = cluster.run();
    await cluster.until("the node drives and works", () => full.has("driving") && job.arrived("map") >= 1);
    await cluster.startLasting("a", "b");
    await cluster.until("the others work too", () => job.arrived("map") >= 3);
    fill(full);
    job.open("map", "reduce", "sorted");
    expect(await output).toEqual(alone);
    const { failed } = await cluster.audit();
    expect(failed).toBeUndefined();
    const failures = full.lines.filter(({ event }) => event?.error?.code === "DISK_FULL");
    expect(failures.length).toBeGreaterThan(0);
    expect(full.running).toBe(true);
  });
});
