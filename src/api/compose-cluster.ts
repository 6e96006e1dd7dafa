/**
 * Where the real adapters meet the rest for many machines: one node of a cluster. Loaded only where there is one.
 *
 * It is long because every part of a node is made here, and nowhere else.
 */

import { createMsgpackCodec } from "../adapters/codec/msgpack-codec.ts";
import { createFileBlobs } from "../adapters/fs/blobs.ts";
import { type DataDir, nodeNameOf, prepareDataDir } from "../adapters/fs/data-dir.ts";
import { JobLogs } from "../adapters/fs/job-logs.ts";
import { createFileScratch, scratchRoomOf, sweepScratch } from "../adapters/fs/scratch.ts";
import { fetchWhole, type PeerAccess } from "../adapters/http/ask-peer.ts";
import { createBlobRoute } from "../adapters/http/blob-route.ts";
import { createLogRoute } from "../adapters/http/log-route.ts";
import { assertFindable, bareHost, findableAt } from "../adapters/http/node-address.ts";
import { isLoopback, startNodeServer } from "../adapters/http/node-server.ts";
import { createPeerBlobs } from "../adapters/http/peer-blobs.ts";
import { createPeerClient } from "../adapters/http/peer-client.ts";
import { createPeerLinks, type LinkTrouble } from "../adapters/http/peer-links.ts";
import { assertNamed } from "../adapters/http/tls-files.ts";
import { assertOnlyOne, createWhoRoute } from "../adapters/http/who-route.ts";
import { systemClock } from "../adapters/machine/system-clock.ts";
import { thisMachine } from "../adapters/machine/this-machine.ts";
import { createNodeMetrics } from "../adapters/metrics/node-metrics.ts";
import { loadTracing } from "../adapters/otel/otel-tracing.ts";
import { createLocalPorts } from "../adapters/threads/local-ports.ts";
import type { ThreadData } from "../adapters/threads/thread-data.ts";
import { createThreadRunner } from "../adapters/threads/thread-runner.ts";
import { type JobId, jobId, type NodeId, nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { LogSink, NewEntry } from "../plan/task-logs.ts";
import type { ControlStore } from "../ports/control-store.ts";
import { boundedRows } from "../runtime/bounded-rows.ts";
import { nodeKey } from "../runtime/cluster/cluster-keys.ts";
import { ClusterNode, type DrainOptions, type NodeNote } from "../runtime/cluster/cluster-node.ts";
import { resultsKey, SharedBlobs, specKey } from "../runtime/cluster/fetch-job.ts";
import { encodeResults } from "../runtime/cluster/kept-results.ts";
import { linkCodec, type WireMessage } from "../runtime/cluster/link-codec.ts";
import { decodeNodeCard, type NodeCard } from "../runtime/cluster/node-card.ts";
import { SharedSweep } from "../runtime/cluster/shared-sweep.ts";
import { blobKeys, jobKeys } from "../runtime/job-keys.ts";
import { localReading } from "../runtime/local-reading.ts";
import { entryOfEvent } from "../runtime/log/event-entries.ts";
import { sayThatLogged } from "../runtime/log/log-holders.ts";
import { loggingRunner } from "../runtime/log/logging-runner.ts";
import { untilAvailable } from "../runtime/retry.ts";
import { tracingRunner } from "../runtime/tracing/tracing-runner.ts";
import { openStore, securityOf } from "./compose-store.ts";
import { NoteCounter } from "./count-notes.ts";
import { runSettings } from "./run-settings.ts";
import type { TlsOptions } from "./session.ts";

const HEARTBEATS_PER_LEASE = 5;
/** Longer than it takes to tell the driver that a task has ended and to be given the next. */
const IDLE_MS = 100;

export interface NodeSettings {
  /** `etcd://host:2379,…`, or a directory that several processes of this machine share. */
  readonly store: string;
  /** Default: one of its own, kept in its data directory: what it has stored is found again when it comes back. */
  readonly name?: string;
  /** To listen on. Default: this machine's loopback. */
  readonly host?: string;
  /** Default: any that is free. */
  readonly port?: number;
  /** `host:port` where others reach it. Default: where it listens. */
  readonly address?: string;
  readonly region: string;
  readonly domain: string;
  readonly threads?: number;
  readonly memory?: number | string;
  /** Default: `BICOASTAL_DATA_DIR`, else `.bicoastal` in the working directory. */
  readonly dataDir?: string;
  /** How long others wait for it, its drivers and its workers when it falls silent. From 1000. */
  readonly leaseMs: number;
  readonly version: string;
  /** Default: what `BICOASTAL_TLS_*` names, else no TLS. */
  readonly tls?: TlsOptions;
  readonly onNote: (note: NodeNote) => void;
  /** Told of each line of a job's log as it is written here. Default: nobody. */
  readonly onTaskLog?: (job: string, entry: NewEntry) => void;
  /** Told of messages between nodes that were lost. Default: nobody. */
  readonly onTrouble?: (trouble: LinkTrouble) => void;
  /** Told of new certificates that cannot be used: the former ones go on. Default: nobody. */
  readonly onTlsFault?: (thrown: unknown) => void;
  /** Told of what made a request of another node or of a client fail here. Default: nobody. */
  readonly onRequestFault?: (thrown: unknown) => void;
}

export interface RunningNode {
  readonly card: NodeCard;
  readonly members: () => readonly NodeCard[];
  /** See `ClusterNode.drain`. */
  drain(options: DrainOptions): Promise<void>;
  close(): Promise<void>;
}

/** Starts a node and has it join its cluster. Throws USAGE, STORE_UNAVAILABLE. */
export async function startNode(settings: NodeSettings): Promise<RunningNode> {
  assertFindable(placeOf(settings));
  const dirs = await prepareDataDir(
    settings.dataDir ?? (thisMachine.environment("BICOASTAL_DATA_DIR") || ".bicoastal"),
  );
  const owner = thisMachine.owner();
  await sweepScratch(dirs.scratch, (pid) => thisMachine.isProcessGone({ host: owner.host, pid }));
  const store = await openStore(settings.store);
  const closing: (() => Promise<void>)[] = [() => store.close()];
  const close = async (): Promise<void> => {
    for (const step of closing.reverse()) await step();
  };
  try {
    return { ...(await assemble(settings, dirs, store, closing)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

const placeOf = ({ host = "127.0.0.1", address }: NodeSettings) => ({ host: bareHost(host), address });

async function assemble(
  settings: NodeSettings,
  dirs: DataDir,
  store: ControlStore,
  closing: (() => Promise<void>)[],
): Promise<Omit<RunningNode, "close">> {
  const { leaseMs, onNote } = settings;
  const security = securityOf(settings.tls);
  const place = placeOf(settings);
  const { host } = place;
  const incarnation = thisMachine.randomId();
  const machine = {
    cores: thisMachine.cores(),
    memoryBytes: thisMachine.memoryBytes(),
    heapBytesMax: thisMachine.heapBytesMax(),
  };
  const { threads, memory } = runSettings(
    {
      ...(settings.threads === undefined ? {} : { threads: settings.threads }),
      ...(settings.memory === undefined ? {} : { memory: settings.memory }),
    },
    machine,
  );

  const addresses = new Map<NodeId, string>();
  const access: PeerAccess = {
    client: createPeerClient(security),
    addressOf: (node) => addresses.get(node),
  };
  closing.push(() => access.client.close());

  const { host: machineName, pid } = thisMachine.owner();
  const self = nodeId(settings.name ?? (await nodeNameOf(dirs.root)));

  const links = createPeerLinks<WireMessage>({
    self,
    incarnation,
    addressOf: access.addressOf,
    codec: linkCodec,
    client: access.client,
    ...(settings.onTrouble === undefined ? {} : { onTrouble: settings.onTrouble }),
  });
  closing.push(async () => links.close());
  const local = createFileBlobs(dirs.blobs);
  const sharedSweep = new SharedSweep({
    store,
    blobs: local,
    clock: systemClock,
    readSpec: (spec) => shared.get(specKey(spec), spec),
  });
  const blobRoute = createBlobRoute({
    self,
    directory: dirs.blobs,
    blobs: local,
    readable: isSharedKey,
    onAsked: (key) => sharedSweep.touch(key),
  });
  const retrying = { clock: systemClock, random: new Prng(incarnation) };
  let leaving = false;
  const logs = new JobLogs({
    directory: dirs.logs,
    node: self,
    wallMs: systemClock.wallMs,
    onFirst: (job) => {
      const say = () => sayThatLogged(store, jobId(job), self);
      // Until it is told, whoever reads misses these lines.
      void untilAvailable(retrying, say, () => leaving).catch(() => {});
    },
  });
  closing.push(async () => {
    leaving = true;
    logs.close();
  });
  const taskLog: LogSink = {
    write(job, entry) {
      logs.write(job, entry);
      settings.onTaskLog?.(job, entry);
    },
  };
  let members = (): readonly NodeCard[] => [];
  const notes = new NoteCounter();
  const metrics = createNodeMetrics({
    labels: { node: self, region: settings.region },
    members: () => members(),
    driving: () => notes.driving,
  });
  const whoRoute = createWhoRoute({ node: self, incarnation });
  const routes = [links.route, blobRoute, createLogRoute(self, logs), metrics.route, whoRoute];
  const server = await startNodeServer({
    host,
    port: settings.port ?? 0,
    security,
    routes,
    onTlsFault: settings.onTlsFault,
    onFault: settings.onRequestFault,
  });
  closing.push(() => server.close());
  const address = findableAt(place, server.port);
  if (security.tls !== undefined) assertNamed(security.tls, address);
  const { entry: last } = await untilAvailable(
    retrying,
    () => store.get(nodeKey(self)),
    () => leaving,
  );
  const namesake = last === undefined ? undefined : decodeNodeCard(last);
  await assertOnlyOne(access.client, { node: self, incarnation, address }, namesake);

  const data = dataOf(dirs, memory.taskMemoryBytes);
  const runner = createThreadRunner({
    threads,
    memory,
    entry: threadEntry(),
    threadData: {
      ...data,
      peers: { self, security, addresses: {} },
      // Between processes of one machine blocks move faster than they can be compressed.
      compressBlocks: !isLoopback(host),
    },
    idleMs: IDLE_MS,
  });
  closing.push(() => runner.close());

  const scratch = createFileScratch(`${dirs.scratch}/${scratchRoomOf("node")}`);
  const peerBlobs = createPeerBlobs({ self, local, access, scratch });
  const ports = createLocalPorts(data, scratchRoomOf("driver"));
  const environment = () => ({ ...ports.open(), blobs: peerBlobs });
  const codec = createMsgpackCodec();
  const shared = new SharedBlobs({
    local,
    fetch: (key, node) => fetchWhole(access, { node, key }),
    give: (key, bytes, node) => peerBlobs.give(key, bytes, node),
    sha256: thisMachine.sha256,
    members: () => members(),
    self,
  });

  const card: NodeCard = {
    node: self,
    incarnation,
    address,
    region: settings.region,
    domain: settings.domain,
    slots: threads,
    memoryBytes: memory.threadsBytes,
    version: settings.version,
    startedAtMs: systemClock.wallMs(),
    state: "ready",
  };
  // An SDK is there before the node is: it comes by node --import.
  const tracing = await loadTracing();
  const logging = loggingRunner(runner, taskLog);
  const node = new ClusterNode({
    card,
    host: machineName,
    pid,
    store,
    retrying,
    links,
    runner: metrics.watch(tracing === undefined ? logging : tracingRunner(logging, tracing, self)),
    tracing,
    outputs: environment().outputs,
    readRows: boundedRows(localReading(environment).readRows, memory.collectBytesMax),
    keepResults: async (results) => {
      const bytes = encodeResults(results, codec);
      const hash = thisMachine.sha256(bytes);
      sharedSweep.touch(resultsKey(hash));
      await shared.spread(resultsKey(hash), bytes);
      return hash;
    },
    isDead: thisMachine.isProcessGone,
    timing: {
      driverLeaseMs: leaseMs,
      workerLeaseMs: leaseMs,
      heartbeatMs: leaseMs / HEARTBEATS_PER_LEASE,
    },
    nodeLeaseMs: leaseMs,
    fetchJob: (job, open) => shared.fetchJob(job, open),
    storedJobs: async () => [
      ...new Set((await local.list("jobs/")).map((key) => jobId(key.split("/")[1] ?? ""))),
    ],
    sweepJob: (job) => local.deleteAll(blobKeys(job).prefix),
    sweepShared: async () => {
      await logs.sweep(async (job) => (await store.get(jobKeys(jobId(job)).card)).entry !== undefined);
      await sharedSweep.sweep();
    },
    onMember: (member, found) => {
      if (found?.address === undefined) addresses.delete(member);
      else addresses.set(member, found.address);
      runner.setPeers(Object.fromEntries(addresses));
    },
    onNote: (note) => {
      notes.count(note, metrics);
      const entry = entryOfNote(note);
      if (entry !== undefined) taskLog.write(entry.job, entry.entry);
      onNote(note);
    },
  });
  members = () => node.members.all();
  closing.push(() => node.close());
  await node.start();
  return { card, members, drain: (options) => node.drain(options) };
}

/** What a job's own log is told of its drives. */
function entryOfNote(note: NodeNote): { readonly job: JobId; readonly entry: NewEntry } | undefined {
  if (note.kind === "driving")
    return { job: note.job, entry: { level: "info", message: "is driven by this node" } };
  if (note.kind === "drove")
    return { job: note.job, entry: { level: "info", message: `is no longer driven here: ${note.outcome}` } };
  if (note.kind !== "event") return undefined;
  const entry = entryOfEvent(note.event);
  return entry === undefined ? undefined : { job: note.job, entry };
}

/** What other nodes may read here: blocks of jobs, and what is named by its content. */
const isSharedKey = (key: string): boolean => /^(?:jobs\/[^/]+\/blocks|specs|bundles|results)\//.test(key);

/** Built code has the thread's file beside it; source code takes the last build's. */
function threadEntry(): URL {
  const built = !import.meta.url.endsWith(".ts");
  return new URL(built ? "./thread.js" : "../../dist/thread.js", import.meta.url);
}

const dataOf = (dirs: DataDir, memoryBytes: number): ThreadData => ({
  blobsDirectory: dirs.blobs,
  bundlesDirectory: dirs.bundles,
  scratchDirectory: dirs.scratch,
  memoryBytes,
});
