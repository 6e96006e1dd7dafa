/** The one place where the real adapters meet the rest: sessions and job files on this machine. */

import { createBundleCache } from "../adapters/bundle/bundle-cache.ts";
import { type BundleFiles, bundleKey, createBundleFiles } from "../adapters/bundle/bundle-files.ts";
import { type Bundle, bundleJob } from "../adapters/bundle/bundle-job.ts";
import { type DataDir, dataDirAt, prepareDataDir } from "../adapters/fs/data-dir.ts";
import { JobLogs } from "../adapters/fs/job-logs.ts";
import { scratchRoomOf, sweepScratch } from "../adapters/fs/scratch.ts";
import { loadLmdb } from "../adapters/lmdb/load-lmdb.ts";
import { openLmdbControlStore } from "../adapters/lmdb/store.ts";
import { systemClock } from "../adapters/machine/system-clock.ts";
import { thisMachine } from "../adapters/machine/this-machine.ts";
import { loadTracing } from "../adapters/otel/otel-tracing.ts";
import { resolveOutput } from "../adapters/schemes/outputs.ts";
import { watchLoading } from "../adapters/threads/load-watchdog.ts";
import { createLocalPorts } from "../adapters/threads/local-ports.ts";
import { keepLoopsStoppable } from "../adapters/threads/stoppable-loops.ts";
import type { ThreadData } from "../adapters/threads/thread-data.ts";
import { createThreadRunner, type ThreadRunner } from "../adapters/threads/thread-runner.ts";
import { BicoastalError } from "../base/errors.ts";
import type { ContentHash } from "../base/ids.ts";
import type { TaskRunner } from "../ports/task-runner.ts";
import { createJobLoader, evaluateModule, type RunnableJob } from "../runtime/executor/job-loader.ts";
import { LocalNode } from "../runtime/local-node.ts";
import { localReading } from "../runtime/local-reading.ts";
import { hasJobEnded } from "../runtime/log/log-holders.ts";
import { apiNames } from "./install-api.ts";
import type { Job } from "./job.ts";
import { type LoadJobRequest, pickJob } from "./load-job.ts";
import { LocalSession } from "./local-session.ts";
import { onParked, parkRuns } from "./parked-runs.ts";
import { findJob, onJobDefined } from "./registry.ts";
import { type MachineSize, type RunSettings, runSettings } from "./run-settings.ts";
import type { Session, SessionOptions } from "./session.ts";
import { showValue } from "./show-value.ts";

const DATA_DIR_DEFAULT = ".bicoastal";

/** The directory the options, the environment or the default name. */
const namedDataDir = ({ dataDir }: SessionOptions): string =>
  dataDir ?? (thisMachine.environment("BICOASTAL_DATA_DIR") || DATA_DIR_DEFAULT);

/** Made where it is missing. */
const openDataDir = (options: SessionOptions): Promise<DataDir> => prepareDataDir(namedDataDir(options));

/** Bundles of jobs that came from a file which this process bundled to load it. */
const bundlesOfLoaded = new WeakMap<Job, Bundle>();

export async function composeSession(options: SessionOptions): Promise<Session> {
  if (options.store !== undefined) {
    // Whoever only looks at a cluster leaves nothing here.
    const dirs = dataDirAt(namedDataDir(options));
    const { connectCluster } = await import("./compose-client.ts");
    const { blobs } = createLocalPorts(threadData(dirs, 0), mainRoom());
    return connectCluster({
      store: options.store,
      tls: options.tls,
      dirs,
      machine: machineSize(),
      bundle: async (job) => {
        await openDataDir(options);
        const { hash, job: runnable } = await bundleFor(job, dirs);
        const key = bundleKey(hash);
        return { hash, job: runnable, key, code: await blobs.get(key) };
      },
    });
  }
  const dirs = await openDataDir(options);
  // With or without threads: what Node keeps compiled under one set of V8's flags is of no use under another.
  keepLoopsStoppable();
  const store = await openLmdbControlStore({ directory: dirs.store, clock: systemClock });
  const ports = createLocalPorts(threadData(dirs, 0), mainRoom());
  const owner = thisMachine.owner();
  const { sha256, randomId, isProcessGone: isDead } = thisMachine;
  const local = { resolvePath: resolveOutput, sha256, randomId, owner, isDead, clock: systemClock };
  const node = new LocalNode({
    ...local,
    ...localReading(ports.open),
    store,
    blobs: ports.blobs,
    outputs: ports.open().outputs,
  });
  const logs = new JobLogs({ directory: dirs.logs, node: owner.host, wallMs: systemClock.wallMs });
  return new LocalSession({
    node,
    logs,
    tracing: loadTracing,
    jobEnded: (job) => hasJobEnded(store, job),
    clock: systemClock,
    machine: machineSize(),
    bundle: (job) => bundleFor(job, dirs),
    createRunner: async (settings, job) => {
      const { host } = owner;
      await sweepScratch(dirs.scratch, (pid) => isDead({ host, pid }));
      return takePrepared(dirs, settings) ?? (await createRunner(dirs, settings, job));
    },
    nowMs: () => systemClock.monotonicMs(),
    close: async () => {
      logs.close();
      await store.close();
    },
  });
}

/** The job's bundle, stored; and the job as that bundle defines it. */
async function bundleFor(job: Job, dirs: DataDir): Promise<{ hash: ContentHash; job: RunnableJob }> {
  const loaded = bundlesOfLoaded.get(job);
  const { hash } = loaded ?? (await bundleAt(moduleOf(job), dirs));
  return { hash, job: loaded === undefined ? await loadTwin(bundleFiles(dirs), hash, job.name) : job };
}

/** By bundle and name: a module is evaluated once, and others may define jobs of the same name later. */
const twins = new Map<string, Promise<RunnableJob>>();

/** The job as its bundle defines it, for a job that this program defined itself. */
function loadTwin(bundles: BundleFiles, bundle: ContentHash, name: string): Promise<RunnableJob> {
  const key = `${bundle}/${name}`;
  let twin = twins.get(key);
  if (twin === undefined) {
    parkRuns();
    // By the module itself: a job of that name that the program made in a function is none of the threads'.
    const find = (name: string) => definedBy.get(bundle)?.get(name);
    const loadJob = createJobLoader({ evaluate: evaluateIn(bundles), findJob: find, onParked });
    twin = loadJob({ name, constants: { bundle } });
    twins.set(key, twin);
    twin.catch(() => twins.delete(key));
  }
  return twin;
}

/** The jobs that each bundle defined when it was evaluated in this process, by name. */
const definedBy = new Map<ContentHash, Map<string, Job>>();

/** Evaluates bundles, and keeps in mind what they define until they end or are parked. */
const evaluateIn =
  (bundles: BundleFiles, watch = () => () => {}) =>
  (bundle: ContentHash): Promise<unknown> => {
    const defined = new Map<string, Job>();
    definedBy.set(bundle, defined);
    const stops = [watch(), onJobDefined((job) => defined.set(job.name, job)), onParked(() => stop())];
    const stop = (): void => {
      for (const each of stops) each();
    };
    return bundles.load(bundle).finally(stop);
  };

/** Bundles the file, evaluates it in this process and picks its job. Throws USAGE, BUNDLE_FAILED. */
export async function loadJobFile(request: LoadJobRequest): Promise<Job> {
  const dirs = await openDataDir(request.dataDir === undefined ? {} : { dataDir: request.dataDir });
  if (request.run !== undefined) {
    prepareRunner(dirs, runSettings(request.run, machineSize()));
    keepLoopsStoppable();
    // While the thread starts. Later it would take longer: once a bundle is loaded Node reads the source map of every file.
    loadLmdb();
  }
  const bundle = await bundleAt(thisMachine.resolvePath(request.file), dirs);
  const bundles = bundleFiles(dirs);
  parkRuns();
  const defined: Job[] = [];
  const stop = onJobDefined((job) => defined.push(job));
  const endWatch = watchLoading({
    subject: showValue(request.file),
    loadTimeoutMs: loadTimeoutMs(),
    askIdle: (watch) => prepared?.runner.watchLoading(watch) ?? false,
  });
  try {
    const exported = await evaluateModule(() => bundles.load(bundle.hash), onParked);
    const job = pickJob(request, exported, defined);
    bundlesOfLoaded.set(job, bundle);
    return job;
  } finally {
    endWatch();
    stop();
  }
}

/** The file's bundle, stored and written: made now, or earlier of the same sources. Throws BUNDLE_FAILED. */
async function bundleAt(entry: string, dirs: DataDir): Promise<Bundle> {
  const { blobs } = createLocalPorts(threadData(dirs, 0), mainRoom());
  const cache = createBundleCache({
    directory: dirs.bundles,
    apiNames,
    fetch: (hash) =>
      blobs.get(bundleKey(hash)).then(
        (code) => (thisMachine.sha256(code) === hash ? code : undefined),
        () => undefined,
      ),
  });
  const known = await cache.find(entry);
  const bundle = known ?? (await bundleJob({ entry, apiNames }));
  await bundleFiles(dirs).write(bundle);
  if (known === undefined) {
    await blobs.put(bundleKey(bundle.hash), bundle.code);
    await cache.keep(entry, bundle);
  }
  return bundle;
}

/** Longer for modules that have much to do before their job is defined. Undefined: the default. */
function loadTimeoutMs(): number | undefined {
  const text = thisMachine.environment("BICOASTAL_LOAD_TIMEOUT_MS") ?? "";
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

async function createRunner(
  dirs: DataDir,
  settings: RunSettings,
  job: RunnableJob | undefined,
): Promise<TaskRunner> {
  const data = threadData(dirs, settings.memory.taskMemoryBytes);
  return settings.debug ? await createDebugRunner(dirs, data, job) : createThreads(dirs, settings);
}

function createThreads(dirs: DataDir, { threads, memory }: RunSettings): ThreadRunner {
  const data = threadData(dirs, memory.taskMemoryBytes);
  return createThreadRunner({ threads, memory, entry: threadEntry(), threadData: data });
}

/** Threads that were started before the session that will use them; and what for. */
let prepared: { readonly purpose: string; readonly runner: ThreadRunner } | undefined;

const purposeOf = (dirs: DataDir, { threads, memory }: RunSettings): string =>
  JSON.stringify([dirs, threads, memory]);

function prepareRunner(dirs: DataDir, settings: RunSettings): void {
  if (settings.debug || prepared !== undefined) return;
  const runner = createThreads(dirs, settings);
  runner.warm();
  prepared = { purpose: purposeOf(dirs, settings), runner };
}

/** Undefined where none were prepared, or for something else: those are of no use then. */
function takePrepared(dirs: DataDir, settings: RunSettings): TaskRunner | undefined {
  const known = prepared;
  prepared = undefined;
  if (known === undefined) return undefined;
  if (!settings.debug && known.purpose === purposeOf(dirs, settings)) return known.runner;
  void known.runner.close();
  return undefined;
}

const machineSize = (): MachineSize => ({
  cores: thisMachine.cores(),
  memoryBytes: thisMachine.memoryBytes(),
  heapBytesMax: thisMachine.heapBytesMax(),
});

/**
 * Runs the very job object that built the plan, where this process has it. What runs tasks is loaded only here: it is
 * most of the package, and with threads this one has no use for it.
 */
async function createDebugRunner(
  dirs: DataDir,
  data: ThreadData,
  job: RunnableJob | undefined,
): Promise<TaskRunner> {
  const [{ createInlineRunner }, { warnOfImpureCalls }, { createTaskExecutor }] = await Promise.all([
    import("../adapters/threads/inline-runner.ts"),
    import("../adapters/threads/impure-calls.ts"),
    import("../runtime/executor/task-executor.ts"),
  ]);
  parkRuns();
  const watch = () => watchLoading({ subject: "the job's module", loadTimeoutMs: loadTimeoutMs() });
  const load = createJobLoader({ evaluate: evaluateIn(bundleFiles(dirs), watch), findJob, onParked });
  const executor = createTaskExecutor({
    memoryBytes: data.memoryBytes,
    openEnvironment: createLocalPorts(data, mainRoom()).open,
    loadJob: job === undefined ? load : async () => job,
  });
  return createInlineRunner({ executor: warnOfImpureCalls(executor, data.bundlesDirectory) });
}

/** Built code has the thread's file beside it; source code takes the last build's. */
function threadEntry(): URL {
  const built = import.meta.url.endsWith(".js");
  return new URL(built ? "./thread.js" : "../../dist/thread.js", import.meta.url);
}

function bundleFiles(dirs: DataDir): BundleFiles {
  const { blobs } = createLocalPorts(threadData(dirs, 0), mainRoom());
  return createBundleFiles({
    directory: dirs.bundles,
    fetch: (hash: ContentHash) => blobs.get(bundleKey(hash)),
  });
}

function threadData({ blobs, bundles, scratch }: DataDir, memoryBytes: number): ThreadData {
  return { blobsDirectory: blobs, bundlesDirectory: bundles, scratchDirectory: scratch, memoryBytes };
}

/** Spills of the main thread have a room of their own. */
const mainRoom = (): string => scratchRoomOf("main");

function moduleOf(job: Job): string {
  if (job.module !== undefined) return job.module;
  const message = `Nobody knows which file defines the job ${job.name}, and its threads must load it. Say so in its definition: job({ module: import.meta.url, … }).`;
  throw new BicoastalError("JOB_INVALID", message, { details: { name: job.name } });
}
