/** The one place where the real adapters meet the rest: sessions and job files on this machine. */

import { type BundleFiles, bundleKey, createBundleFiles } from "../adapters/bundle/bundle-files.ts";
import { type Bundle, bundleJob } from "../adapters/bundle/bundle-job.ts";
import { type DataDir, prepareDataDir } from "../adapters/fs/data-dir.ts";
import { scratchRoomOf, sweepScratch } from "../adapters/fs/scratch.ts";
import { openLmdbControlStore } from "../adapters/lmdb/store.ts";
import { systemClock } from "../adapters/machine/system-clock.ts";
import { thisMachine } from "../adapters/machine/this-machine.ts";
import { warnOfImpureCalls } from "../adapters/threads/impure-calls.ts";
import { createInlineRunner } from "../adapters/threads/inline-runner.ts";
import { watchLoading } from "../adapters/threads/load-watchdog.ts";
import { createLocalPorts } from "../adapters/threads/local-ports.ts";
import type { ThreadData } from "../adapters/threads/thread-data.ts";
import { createThreadRunner } from "../adapters/threads/thread-runner.ts";
import { BicoastalError } from "../base/errors.ts";
import type { ContentHash } from "../base/ids.ts";
import type { TaskRunner } from "../ports/task-runner.ts";
import { createJobLoader, evaluateModule, type RunnableJob } from "../runtime/executor/job-loader.ts";
import { createTaskExecutor } from "../runtime/executor/task-executor.ts";
import { LocalNode } from "../runtime/local-node.ts";
import { localReading } from "../runtime/local-reading.ts";
import { apiNames } from "./install-api.ts";
import type { Job } from "./job.ts";
import { type LoadJobRequest, pickJob } from "./load-job.ts";
import { LocalSession } from "./local-session.ts";
import { onParked, parkRuns } from "./parked-runs.ts";
import { findJob, onJobDefined } from "./registry.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Session, SessionOptions } from "./session.ts";
import { showValue } from "./show-value.ts";

const DATA_DIR_DEFAULT = ".bicoastal";

/** The directory the options, the environment or the default name; made where it is missing. */
function openDataDir({ dataDir }: SessionOptions): Promise<DataDir> {
  return prepareDataDir(dataDir ?? (thisMachine.environment("BICOASTAL_DATA_DIR") || DATA_DIR_DEFAULT));
}

/** Bundles of jobs that came from a file which this process bundled to load it. */
const bundlesOfLoaded = new WeakMap<Job, Bundle>();

export async function composeSession(options: SessionOptions): Promise<Session> {
  const dirs = await openDataDir(options);
  const store = await openLmdbControlStore({ directory: dirs.store, clock: systemClock });
  const ports = createLocalPorts(threadData(dirs, 0), mainRoom());
  const bundles = bundleFiles(dirs);
  const owner = thisMachine.owner();
  const { resolvePath, sha256, randomId, isProcessGone: isDead } = thisMachine;
  const local = { resolvePath, sha256, randomId, owner, isDead, clock: systemClock };
  const node = new LocalNode({
    ...local,
    ...localReading(ports.open),
    store,
    blobs: ports.blobs,
    outputs: ports.open().outputs,
  });
  return new LocalSession({
    node,
    machine: {
      cores: thisMachine.cores(),
      memoryBytes: thisMachine.memoryBytes(),
      heapBytesMax: thisMachine.heapBytesMax(),
    },
    bundle: async (job) => {
      const loaded = bundlesOfLoaded.get(job);
      const bundle = loaded ?? (await bundleJob({ entry: moduleOf(job), apiNames }));
      await bundles.write(bundle);
      await ports.blobs.put(bundleKey(bundle.hash), bundle.code);
      const { hash } = bundle;
      return { hash, job: loaded === undefined ? await loadTwin(bundles, hash, job.name) : job };
    },
    createRunner: async (settings, job) => {
      const { host } = owner;
      await sweepScratch(dirs.scratch, (pid) => isDead({ host, pid }));
      return createRunner(dirs, settings, job);
    },
    nowMs: () => systemClock.monotonicMs(),
    close: () => store.close(),
  });
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
  const bundle = await bundleJob({ entry: thisMachine.resolvePath(request.file), apiNames });
  const bundles = bundleFiles(dirs);
  await bundles.write(bundle);
  parkRuns();
  const defined: Job[] = [];
  const stop = onJobDefined((job) => defined.push(job));
  const endWatch = watchLoading({ subject: showValue(request.file), loadTimeoutMs: loadTimeoutMs() });
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

/** Longer for modules that have much to do before their job is defined. Undefined: the default. */
function loadTimeoutMs(): number | undefined {
  const text = thisMachine.environment("BICOASTAL_LOAD_TIMEOUT_MS") ?? "";
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

function createRunner(dirs: DataDir, settings: RunSettings, job: RunnableJob | undefined): TaskRunner {
  const data = threadData(dirs, settings.memory.taskMemoryBytes);
  if (settings.debug) return createDebugRunner(dirs, data, job);
  const { threads, memory } = settings;
  return createThreadRunner({ threads, memory, entry: threadEntry(), threadData: data });
}

/** Runs the very job object that built the plan, where this process has it. */
function createDebugRunner(dirs: DataDir, data: ThreadData, job: RunnableJob | undefined): TaskRunner {
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
