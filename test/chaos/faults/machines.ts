/** What happens to a machine: its disk is full or lies, its clock jumps, its memory is taken away. */
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ChaosNode } from "../chaos-node.ts";
import type { FaultKind } from "../schedule.ts";
import type { Inject } from "./fault-room.ts";

const FILLER = "filler";
const PIECE_BYTES = 64 * 1024;
const FULL_LEASES_MIN = 1;
const FULL_LEASES_MORE = 3;
const DAMAGED_FILES_MAX = 9;
const BLOCKS_WAIT_MS = 10_000;
const DAY = 86_400;
const SHIFT_LEASES = 2;
const SLOWEST_CLOCK = 0.5;
const FASTEST_CLOCK = 2;
const RATE_LEASES = 6;
const SQUEEZED_BYTES = 24 * 1024 * 1024;

const fillDisk: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const file = join(node.parts.dataDir, FILLER);
    fill(file);
    await room.hold(FULL_LEASES_MIN + FULL_LEASES_MORE * fault.size);
    rmSync(file, { force: true });
    return node.name;
  });

function fill(file: string): void {
  for (let bytes = PIECE_BYTES; bytes >= 1; bytes = Math.floor(bytes / 16)) {
    const piece = new Uint8Array(bytes);
    for (;;) {
      try {
        writeFileSync(file, piece, { flag: "a" });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOSPC") break;
        throw error;
      }
    }
  }
}

/** What a disk may make of a file. */
const DAMAGES: readonly ((file: string, bytes: Buffer) => void)[] = [
  (file, bytes) => flip(file, bytes, bytes.length >> 1),
  (file, bytes) => flip(file, bytes, bytes.length >> 2),
  (file, bytes) => flip(file, bytes, 40),
  (file, bytes) => flip(file, bytes, 20),
  (file, bytes) => flip(file, bytes, bytes.length - 1),
  (file, bytes) => truncateSync(file, bytes.length >> 1),
  (file) => truncateSync(file, 0),
  (file, bytes) => writeFileSync(file, bytes.fill(0)),
  (file) => rmSync(file),
];

function flip(file: string, bytes: Buffer, at: number): void {
  const index = Math.min(Math.max(at, 0), bytes.length - 1);
  bytes[index] = (bytes[index] ?? 0) ^ 0x10;
  writeFileSync(file, bytes);
}

/** Returns how many there were to damage. */
function damage(files: readonly string[], size: number): number {
  let damaged = 0;
  for (const [i, file] of files.slice(0, DAMAGED_FILES_MAX).entries()) {
    try {
      const bytes = readFileSync(file);
      if (bytes.length === 0) continue;
      DAMAGES[(i + Math.floor(size * DAMAGES.length)) % DAMAGES.length]!(file, bytes);
      damaged++;
    } catch (error) {
      // Its job has ended and taken it along.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return damaged;
}

const blocksOf = (node: ChaosNode): readonly string[] =>
  node.files("jobs").filter((file) => file.includes("/blocks/"));

const damageBlocks: Inject = async (room, fault) => {
  const { cluster } = room;
  await cluster.came(BLOCKS_WAIT_MS, () => cluster.nodes.some((node) => blocksOf(node).length > 0));
  return room.withNode(
    fault,
    async (node) => {
      const damaged = damage(blocksOf(node), fault.size);
      return `${damaged} of ${node.name}`;
    },
    (node) => blocksOf(node).length > 0,
  );
};

/** What is named by its content, and what a node has taken from it; every other time its process begins anew with that. */
const damageNamed: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const specs = node.files("jobs").filter((file) => !file.includes("/blocks/"));
    const named = ["bundles", "specs", "results"].flatMap((kind) => node.files(kind).slice(-1));
    const damaged = damage([...named, ...specs], fault.size);
    if (fault.size < 0.5) return `${damaged} of ${node.name}`;
    await room.kill(node);
    await room.cluster.restart(node);
    return `${damaged} of ${node.name}, which starts anew`;
  });

const shiftClock: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const { clock } = node.parts;
    if (clock === undefined) return "met nobody";
    const seconds = Math.round((2 * fault.size - 1) * DAY);
    writeFileSync(clock.file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await room.hold(SHIFT_LEASES);
    writeFileSync(clock.file, "+0\n");
    return `${node.name} by ${seconds} s, and back`;
  });

/** Both of its clocks, from its start to its end: half as fast, to twice. */
const runClock: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const rate = SLOWEST_CLOCK * (FASTEST_CLOCK / SLOWEST_CLOCK) ** fault.size;
    node.clockRate = rate;
    await room.kill(node);
    await room.cluster.restart(node);
    await room.hold(RATE_LEASES);
    node.clockRate = undefined;
    await room.kill(node);
    await room.cluster.restart(node);
    return `${node.name} at ${rate.toFixed(2)} of the speed of time`;
  });

const squeezeMemory: Inject = (room, fault) =>
  room.withNode(fault, async (node) => {
    const { memory } = node.parts;
    const { pid } = node;
    if (memory === undefined || pid === undefined) return "met nobody";
    const moreBytes = Math.round(SQUEEZED_BYTES * fault.size);
    const { kills } = memory;
    memory.squeeze(pid, moreBytes);
    await room.hold(2);
    memory.lift();
    const died = memory.kills > kills || !node.running;
    // What the kernel kills at the last moment still takes its time to end.
    if (died) await room.cluster.until(`${node.name} has ended`, () => !node.running);
    if (died) room.cluster.journal.lostDriver(node, performance.now());
    await room.cluster.restart(node);
    return `${node.name}, to ${Math.round(moreBytes / 1024)} kB more than it had${died ? ": the kernel killed it" : ""}`;
  });

export const MACHINE_FAULTS = {
  "fill a disk": fillDisk,
  "damage blocks": damageBlocks,
  "damage stored jobs": damageNamed,
  "shift a clock": shiftClock,
  "run a clock at another speed": runClock,
  "squeeze a node's memory": squeezeMemory,
} satisfies Partial<Record<FaultKind, Inject>>;
