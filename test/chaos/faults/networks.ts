/** Who does not reach whom, and what comes late or not at all. */
import { MEMBERS, REGION_NAMES } from "../chaos-cluster.ts";
import type { ChaosNode } from "../chaos-node.ts";
import type { FaultKind } from "../schedule.ts";
import { FAIR, type Weather } from "../slow-link.ts";
import type { FaultRoom, Inject } from "./fault-room.ts";

const CUT_LEASES_MIN = 0.5;
const CUT_LEASES_MAX = 4;
const DELAY_MS_MIN = 20;
const DELAY_MS_MAX = 300;
const WEATHER_LEASES = 3;

async function whileCut(room: FaultRoom, size: number, cuts: readonly (() => void)[]): Promise<void> {
  try {
    await room.hold(CUT_LEASES_MIN + size * (CUT_LEASES_MAX - CUT_LEASES_MIN));
  } finally {
    for (const heal of cuts) heal();
  }
}

const cutPair: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const others = room.cluster.nodes.filter((other) => other !== node);
    const other = others[Math.floor(fault.size * others.length)]!;
    await whileCut(room, fault.size, [room.cluster.cutNodes(node, other)]);
    return `${node.name} and ${other.name}`;
  });

const cutFromNodes: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const others = room.cluster.nodes.filter((other) => other !== node);
    await whileCut(
      room,
      fault.size,
      others.map((other) => room.cluster.cutNodes(node, other)),
    );
    return node.name;
  });

const fromStore = (room: FaultRoom, node: ChaosNode): readonly (() => void)[] =>
  Array.from({ length: MEMBERS }, (_, member) => room.cluster.cutFromMember(node, member));

const cutFromStore: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    room.cluster.journal.lostDriver(node, performance.now());
    await whileCut(room, fault.size, fromStore(room, node));
    room.cluster.journal.driverIsBack(node);
    return node.name;
  });

/** Its nodes and its member of etcd reach each other, and nobody else. */
const cutRegion: Inject = async (room, { pick, size }) => {
  const { cluster } = room;
  const index = Math.floor(pick * REGION_NAMES.length);
  const region = REGION_NAMES[index]!;
  const inside = cluster.nodes.filter((node) => node.region === region);
  const outside = cluster.nodes.filter((node) => node.region !== region);
  const members = REGION_NAMES.map((_, member) => member).filter((member) => member !== index);
  const own = cluster.spaceOfMember(index);
  const cuts = [
    ...inside.flatMap((node) => outside.map((other) => cluster.cutNodes(node, other))),
    ...inside.flatMap((node) => members.map((member) => cluster.cutFromMember(node, member))),
    ...outside.map((node) => cluster.cutFromMember(node, index)),
    ...members.flatMap((member) => {
      const other = cluster.spaceOfMember(member);
      return own === undefined || other === undefined ? [] : [cluster.cutSpaces(own, other)];
    }),
  ];
  for (const node of inside) cluster.journal.lostDriver(node, performance.now());
  await whileCut(room, size, cuts);
  for (const node of inside) cluster.journal.driverIsBack(node);
  return region;
};

async function inWeather(room: FaultRoom, weather: Weather): Promise<void> {
  for (const link of room.cluster.links) link.weather = weather;
  await room.hold(WEATHER_LEASES);
  for (const link of room.cluster.links) link.weather = FAIR;
}

export const NETWORK_FAULTS = {
  "cut two nodes from each other": cutPair,
  "cut a node from the others": cutFromNodes,
  "cut a node from the store": cutFromStore,
  "cut a region off": cutRegion,
  "delay messages": async (room, { size }) => {
    const delayMs = Math.round(DELAY_MS_MIN + size * (DELAY_MS_MAX - DELAY_MS_MIN));
    await inWeather(room, { ...FAIR, delayMs });
    return `by ${delayMs} ms`;
  },
  "lose messages": async (room, { size }) => {
    const stallPercent = 2 + Math.round(8 * size);
    await inWeather(room, { delayMs: 1, stallPercent, breakPercent: 2 });
    return `${stallPercent} % come late, 2 % break their connection`;
  },
} satisfies Partial<Record<FaultKind, Inject>>;
