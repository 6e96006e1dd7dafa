/** Where the real adapters meet the rest for whoever gives a cluster its jobs. Loaded only where there is a cluster. */
import { createMsgpackCodec } from "../adapters/codec/msgpack-codec.ts";
import { createFileBlobs } from "../adapters/fs/blobs.ts";
import type { DataDir } from "../adapters/fs/data-dir.ts";
import { createFileScratch, scratchRoomOf } from "../adapters/fs/scratch.ts";
import { fetchWhole, type PeerAccess } from "../adapters/http/ask-peer.ts";
import { fetchLogPage } from "../adapters/http/log-route.ts";
import { createPeerBlobs } from "../adapters/http/peer-blobs.ts";
import { createPeerClient } from "../adapters/http/peer-client.ts";
import { systemClock } from "../adapters/machine/system-clock.ts";
import { thisMachine } from "../adapters/machine/this-machine.ts";
import { loadTracing } from "../adapters/otel/otel-tracing.ts";
import { resolveOutput } from "../adapters/schemes/outputs.ts";
import { createLocalPorts } from "../adapters/threads/local-ports.ts";
import { nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { ClusterClient } from "../runtime/cluster/cluster-client.ts";
import { SharedBlobs } from "../runtime/cluster/fetch-job.ts";
import { Members } from "../runtime/cluster/members.ts";
import { JobBoard } from "../runtime/job-board.ts";
import { localReading } from "../runtime/local-reading.ts";
import { hasJobEnded, logHolders } from "../runtime/log/log-holders.ts";
import { newJob } from "../runtime/new-job.ts";
import { ClusterSession, type ClusterSessionParts } from "./cluster-session.ts";
import { openStore, securityOf } from "./compose-store.ts";
import type { MachineSize } from "./run-settings.ts";
import type { Session, TlsOptions } from "./session.ts";

export interface ConnectCluster {
  readonly store: string;
  readonly tls: TlsOptions | undefined;
  readonly dirs: DataDir;
  readonly machine: MachineSize;
  readonly bundle: ClusterSessionParts["bundle"];
}

/** A session whose jobs run on the nodes of a cluster. Throws USAGE, STORE_UNAVAILABLE. */
export async function connectCluster({
  store: text,
  tls,
  dirs,
  machine,
  bundle,
}: ConnectCluster): Promise<Session> {
  const security = securityOf(tls);
  const store = await openStore(text);
  const { sha256, randomId, isProcessGone } = thisMachine;
  const retrying = { clock: systemClock, random: new Prng(randomId()) };
  const members = new Members({ store, timing: retrying, self: undefined, leaseMs: 0, onChange: () => {} });
  const access: PeerAccess = {
    client: createPeerClient(security),
    addressOf: (node) => members.get(node)?.address,
  };
  const close = async (): Promise<void> => {
    await members.close();
    await access.client.close();
    await store.close();
  };
  try {
    await members.start();
    const local = createFileBlobs(dirs.blobs);
    const scratch = createFileScratch(`${dirs.scratch}/${scratchRoomOf("client")}`);
    const peerBlobs = createPeerBlobs({ self: nodeId("client"), local, access, scratch });
    const shared = new SharedBlobs({
      local,
      fetch: (key, node) => fetchWhole(access, { node, key }),
      give: (key, bytes, node) => peerBlobs.give(key, bytes, node),
      sha256,
      members: () => members.all(),
      self: undefined,
    });
    const codec = createMsgpackCodec();
    const client = new ClusterClient({ store, retrying, shared, codec, sha256 });
    const ports = createLocalPorts(
      {
        blobsDirectory: dirs.blobs,
        bundlesDirectory: dirs.bundles,
        scratchDirectory: dirs.scratch,
        memoryBytes: 0,
      },
      scratchRoomOf("client"),
    );
    const { outputs } = ports.open();
    const board = new JobBoard({
      store,
      blobs: local,
      outputs,
      timing: retrying,
      isDead: isProcessGone,
      readSpec: (job) => client.spec(job),
    });
    const { planSplits } = localReading(ports.open);
    return new ClusterSession({
      client,
      board,
      machine,
      bundle,
      prepare: (request) =>
        newJob(request, { planSplits, resolvePath: resolveOutput, randomId, clock: systemClock, outputs }),
      logSources: async (job) =>
        (await logHolders(store, job)).map((node) => ({
          node,
          page: (from) => fetchLogPage(access, node, job, from),
        })),
      jobEnded: (job) => hasJobEnded(store, job),
      clock: systemClock,
      tracing: loadTracing,
      nowMs: () => systemClock.monotonicMs(),
      close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}
