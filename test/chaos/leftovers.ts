/**
 * What must not be there once the faults are over: jobs that have not ended, logs that do not hold, blocks, results and staged
 * files of nobody, processes, leases, keys, networks and mounts.
 *
 * An hour must pass before a node deletes what jobs share. It passes here on a clock that is told so: the sweep is
 * the shipped one, the files and the store are the real ones.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createFileBlobs } from "../../src/adapters/fs/blobs.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import { openStore } from "../../src/api/compose-store.ts";
import { jobId } from "../../src/base/ids.ts";
import type { Session } from "../../src/index.ts";
import { type ControlStore, prefixEnd } from "../../src/ports/control-store.ts";
import { specKey } from "../../src/runtime/cluster/fetch-job.ts";
import { GRACE_MS, SharedSweep } from "../../src/runtime/cluster/shared-sweep.ts";
import { CARD_PREFIX, OPEN_PREFIX } from "../../src/runtime/job-keys.ts";
import { decodeCard } from "../../src/runtime/job-log.ts";
import { auditLog, readLog } from "../../src/sim/check/check.ts";
import type { ChaosCluster } from "./chaos-cluster.ts";
import type { Room } from "./room.ts";

/** Newer Nodes keep what they compiled for whoever comes next. */
const COMPILE_CACHE = "node-compile-cache";
/** What is on its way out goes long before this, however slow the machine is. */
const GONE_MS_MAX = 300_000;

export interface JobFigures {
  readonly jobs: number;
  readonly epochs: number;
  readonly outputsLost: number;
  readonly tasks: number;
}

/** Waits until no job is open, and holds every log to what it must be; also those of jobs that nobody heard of again. */
export async function auditJobs(
  cluster: ChaosCluster,
  acknowledged: readonly string[],
): Promise<{ readonly problems: readonly string[]; readonly figures: JobFigures }> {
  const store = await openStore(cluster.store);
  try {
    const problems: string[] = [];
    const openJobs = async (): Promise<readonly string[]> =>
      (await store.range(OPEN_PREFIX, prefixEnd(OPEN_PREFIX))).entries.map(({ key }) => key);
    await cluster
      .until("every job has ended", async () => (await openJobs()).length === 0)
      .catch(async (error: unknown) => problems.push(`${error}: ${(await openJobs()).join(", ")}`));
    const { entries } = await store.range(CARD_PREFIX, prefixEnd(CARD_PREFIX));
    const ids = entries.map(({ key }) => key.slice(CARD_PREFIX.length));
    for (const id of acknowledged)
      if (!ids.includes(id)) problems.push(`S1: ${id} was acknowledged and is not there`);
    const figures = { jobs: ids.length, epochs: 0, outputsLost: 0, tasks: 0 };
    for (const entry of entries) {
      const id = entry.key.slice(CARD_PREFIX.length);
      const end = decodeCard(entry)?.end?.kind;
      if (end !== "committed") problems.push(`S1: ${id} ended ${end}`);
      const records = await readLog(store, { id: jobId(id) });
      problems.push(...auditLog(records).map((problem) => `${id}: ${problem}`));
      const kinds = records.flatMap(({ events }) => events.map(({ kind }) => kind));
      const times = (kind: string): number => kinds.filter((one) => one === kind).length;
      figures.epochs += times("epochStarted");
      figures.outputsLost += times("outputLost");
      figures.tasks += times("taskCompleted");
    }
    return { problems, figures };
  } finally {
    await store.close();
  }
}

/** Nobody's blocks, on any node: each has been started anew since, and has looked. */
export async function orphanedBlocks(cluster: ChaosCluster): Promise<readonly string[]> {
  const left = (): readonly string[] => cluster.nodes.flatMap((node) => node.files("jobs"));
  await cluster.came(GONE_MS_MAX, () => left().length === 0);
  return left().map((file) => `L17: a file of a job that has ended: ${file}`);
}

export async function removeJobs(session: Session): Promise<void> {
  for (const { job } of await session.jobs()) await session.remove(job);
}

/** Has an hour pass, and tells what is left of jobs that were all removed. The nodes have left. */
export async function leftOfJobs(cluster: ChaosCluster): Promise<readonly string[]> {
  const problems: string[] = [];
  const store = await openStore(cluster.store);
  try {
    for (const node of cluster.nodes) {
      await sweepAnHourLater(store, join(node.parts.dataDir, "blobs"));
      const scratch = filesUnder(join(node.parts.dataDir, "scratch"));
      problems.push(...node.files().map((file) => `L17: nobody's, and not swept: ${file}`));
      problems.push(...scratch.map((file) => `scratch of a process that has ended: ${file}`));
    }
    problems.push(...(await keysLeft(store)));
  } finally {
    await store.close();
  }
  return problems;
}

async function sweepAnHourLater(store: ControlStore, directory: string): Promise<void> {
  let laterMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + laterMs };
  const blobs = createFileBlobs(directory);
  const sweep = new SharedSweep({ store, blobs, clock, readSpec: (spec) => blobs.get(specKey(spec)) });
  await sweep.sweep();
  laterMs = GRACE_MS + 1;
  await sweep.sweep();
}

async function keysLeft(store: ControlStore): Promise<readonly string[]> {
  const { entries } = await store.range("", prefixEnd(""));
  return entries.map(({ key }) => `a key that nobody deleted: ${key}`);
}

/** Leases that nobody renews are gone within their time; what is left then is kept alive by somebody, or for ever. */
export async function leasesLeft(cluster: ChaosCluster): Promise<readonly string[]> {
  const [endpoint] = cluster.etcd.endpoints;
  const leases = async (): Promise<readonly string[]> => {
    const response = await fetch(`http://${endpoint}/v3/lease/leases`, { method: "POST", body: "{}" });
    const { leases: found = [] } = (await response.json()) as {
      readonly leases?: readonly { readonly ID: string }[];
    };
    return found.map(({ ID }) => ID);
  };
  await cluster.came(GONE_MS_MAX, async () => (await leases()).length === 0);
  return (await leases()).map((id) => `a lease that nobody ended: ${id}`);
}

/** Beside the directories that jobs were to write. */
export function outputsLeft(room: Room, written: readonly string[]): readonly string[] {
  const names = new Set(written.map((path) => basename(path)));
  return readdirSync(room.in("out"))
    .filter((name) => name.startsWith(".") || !names.has(name))
    .map((name) => `a temporary output: ${name}`);
}

/** After all has been closed. */
export function machineLeft(room: Room): readonly string[] {
  const processes = markedProcesses(room.mark).map((pid) => `a process that was started here: ${pid}`);
  const mounts = read("/proc/mounts")
    .split("\n")
    .filter((line) => line.includes(room.path));
  const spaces = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout ?? "";
  const networks = spaces.split("\n").filter((line) => line.startsWith(`bco${process.pid}`));
  const temporary = filesUnder(room.in("tmp"))
    .filter((file) => !file.startsWith(room.in("tmp", COMPILE_CACHE)))
    .map((file) => `a temporary file: ${file}`);
  return [
    ...processes,
    ...mounts.map((line) => `a mount: ${line}`),
    ...networks.map((line) => `a network namespace: ${line}`),
    ...temporary,
  ];
}

function markedProcesses(mark: string): readonly string[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").filter(
    (pid) =>
      /^\d+$/.test(pid) && read(`/proc/${pid}/environ`).split("\0").includes(`BICOASTAL_CHAOS=${mark}`),
  );
}

/** "" where it is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function filesUnder(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  } catch {
    return [];
  }
}
