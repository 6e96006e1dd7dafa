/** Processes that are killed, frozen and replaced: nodes, members of etcd, a region, all of them. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MEMBERS, REGION_NAMES } from "../chaos-cluster.ts";
import type { ChaosNode } from "../chaos-node.ts";
import type { FaultKind } from "../schedule.ts";
import type { FaultRoom, Inject } from "./fault-room.ts";

const FREEZE_LEASES_MIN = 0.5;
const FREEZE_LEASES_MAX = 5;
const AGAIN_MAX = 3;
const STORE_AWAY_LEASES_MAX = 5;

const longFreeze = (size: number): number =>
  FREEZE_LEASES_MIN + size * (FREEZE_LEASES_MAX - FREEZE_LEASES_MIN);

async function killAndRestart(room: FaultRoom, node: ChaosNode, afterLeases: number): Promise<void> {
  await room.kill(node);
  await room.hold(afterLeases);
  await room.cluster.restart(node);
}

const killDriversAgain: Inject = async (room, fault) => {
  const killed: string[] = [];
  for (let i = 0; i < AGAIN_MAX; i++) {
    await room.withDriver(fault, async (node) => {
      killed.push(node.name);
      await killAndRestart(room, node, 0);
      return "";
    });
  }
  return killed.join(", ");
};

const rollingRestart: Inject = (room) =>
  room.withAll(async (nodes) => {
    for (const node of nodes) {
      await node.leave();
      await room.cluster.restart(node);
    }
    return "all nodes";
  });

const restartAll: Inject = (room, { size }) =>
  room.withAll(async (nodes) => {
    const { etcd } = room.cluster;
    const members = Array.from({ length: MEMBERS }, (_, member) => member);
    await Promise.all([...nodes.map((node) => node.kill()), ...members.map((member) => etcd.kill(member))]);
    await room.hold(size * 2);
    await room.cluster.startMembers(members);
    await Promise.all(nodes.map((node) => room.cluster.restart(node)));
    return "all nodes and all of etcd";
  });

/** What a region holds burns: its nodes come back with empty disks, and a new member of etcd takes the place of the one it had. */
const loseRegion: Inject = async (room, { pick, size }) => {
  const index = Math.floor(pick * REGION_NAMES.length);
  const region = REGION_NAMES[index]!;
  const { etcd, nodes } = room.cluster;
  const there = nodes.filter((node) => node.region === region && !node.taken);
  return room.having(there, async () => {
    await Promise.all([...there.map((node) => room.kill(node)), etcd.kill(index)]);
    for (const node of there) empty(node.parts.dataDir);
    await room.hold(1 + size * 3);
    await room.cluster.replaceMember(index);
    await Promise.all(there.map((node) => room.cluster.restart(node)));
    return region;
  });
};

/** It may be a mount point, and stays. */
function empty(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true });
}

/** Kills these members, and starts them again together. */
async function withoutMembers(room: FaultRoom, members: readonly number[], leases: number): Promise<string> {
  const { etcd } = room.cluster;
  const running = members.filter((member) => etcd.isRunning(member));
  await Promise.all(running.map((member) => etcd.kill(member)));
  await room.hold(leases);
  await room.cluster.startMembers(running);
  return running.map((member) => REGION_NAMES[member]).join(", ");
}

const loseEtcdDisk: Inject = async (room, { pick, size }) => {
  const member = Math.floor(pick * MEMBERS);
  await room.cluster.etcd.kill(member);
  await room.hold(3 * size);
  await room.cluster.replaceMember(member);
  return REGION_NAMES[member]!;
};

/** It must not serve what it has; an operator then gives it an empty disk. */
const damageEtcdDisk: Inject = async (room, { pick, size }) => {
  const member = Math.floor(pick * MEMBERS);
  const what = size < 0.5 ? "log" : "database";
  const { etcd } = room.cluster;
  await etcd.kill(member);
  await etcd.damage(member, what);
  if (!(await etcd.refusesToStart(member)))
    throw new Error(`the member of etcd in ${REGION_NAMES[member]} serves with a damaged ${what}`);
  await room.cluster.replaceMember(member);
  return `the ${what} of ${REGION_NAMES[member]}, which refused to start and was replaced`;
};

const freezeLeader: Inject = async (room, { size }) => {
  const { etcd } = room.cluster;
  const leader = await etcd.leader();
  etcd.freeze(leader);
  await room.hold(longFreeze(size));
  etcd.thaw(leader);
  return REGION_NAMES[leader]!;
};

const others = (member: number): readonly number[] => [(member + 1) % MEMBERS, (member + 2) % MEMBERS];

export const PROCESS_FAULTS = {
  "kill a worker": (room, fault) =>
    room.withWorker(fault, async (node) => {
      await killAndRestart(room, node, 3 * fault.size);
      return node.name;
    }),
  "kill a driver": (room, fault) =>
    room.withDriver(fault, async (node) => {
      await killAndRestart(room, node, 3 * fault.size);
      return node.name;
    }),
  "kill drivers again and again": killDriversAgain,
  "freeze a worker": (room, fault) =>
    room.withWorker(fault, async (node) => {
      await room.freeze(node, longFreeze(fault.size));
      return `${node.name} for ${longFreeze(fault.size).toFixed(1)} leases`;
    }),
  "freeze a driver": (room, fault) =>
    room.withDriver(fault, async (node) => {
      await room.freeze(node, longFreeze(fault.size));
      return `${node.name} for ${longFreeze(fault.size).toFixed(1)} leases`;
    }),
  "drain and restart a node": async (room, fault) =>
    room.withNode(fault, async (node) => {
      const code = await node.leave();
      if (code !== 0) throw new Error(`${node.name} was told to leave and ended with ${code}`);
      await room.cluster.restart(node);
      return node.name;
    }),
  "restart every node in turn": rollingRestart,
  "restart everything together": restartAll,
  "lose a region with its disks": loseRegion,
  "kill etcd's leader": async (room, { size }) =>
    withoutMembers(room, [await room.cluster.etcd.leader()], 3 * size),
  "kill a member of etcd": (room, { pick, size }) =>
    withoutMembers(room, [Math.floor(pick * MEMBERS)], 3 * size),
  "kill a majority of etcd": (room, { pick, size }) =>
    withoutMembers(room, others(Math.floor(pick * MEMBERS)), 1 + (STORE_AWAY_LEASES_MAX - 1) * size),
  "kill all of etcd": (room, { size }) =>
    withoutMembers(room, [0, 1, 2], 1 + (STORE_AWAY_LEASES_MAX - 1) * size),
  "freeze etcd's leader": freezeLeader,
  "lose a disk of etcd": loseEtcdDisk,
  "damage a disk of etcd": damageEtcdDisk,
  "kill a client": (room, fault) => room.clients.submitAndDie(fault),
} satisfies Partial<Record<FaultKind, Inject>>;
