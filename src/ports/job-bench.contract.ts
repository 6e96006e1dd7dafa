/** Users' projects for the contract of task runners: written, bundled, stored and submitted like real ones. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BundleFiles, bundleKey, createBundleFiles } from "../adapters/bundle/bundle-files.ts";
import { bundleJob } from "../adapters/bundle/bundle-job.ts";
import { createFileBlobs } from "../adapters/fs/blobs.ts";
import type { ThreadData } from "../adapters/threads/thread-data.ts";
import { apiNames } from "../api/install-api.ts";
import { onParked } from "../api/parked-runs.ts";
import { findJob } from "../api/registry.ts";
import { epoch, jobId, stageId } from "../base/ids.ts";
import { fingerprint } from "../plan/fingerprint.ts";
import type { JobContext, TaskAssignment } from "../plan/task.ts";
import { createJobLoader, type LoadJob } from "../runtime/executor/job-loader.ts";
import type { TaskLogEntry, TaskObserver, TaskProgress } from "./task-runner.ts";

export const IMPORTS = `import { job, read, run } from "bicoastal";
import { existsSync, writeFileSync } from "node:fs";
const nap = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
`;

/** Loads jobs in this process, for the submission and for runners that run them here. */
export const createTestLoader = (files: BundleFiles): LoadJob =>
  createJobLoader({ evaluate: files.load, findJob, onParked });

export class Bench {
  readonly room: string;
  readonly data: ThreadData;

  constructor(room: string) {
    this.room = room;
    this.data = {
      blobsDirectory: join(room, "blobs"),
      // Vitest rewrites the modules it imports, and with them the texts of functions, but not below this name.
      bundlesDirectory: join(room, "node_modules/bundles"),
      scratchDirectory: join(room, "scratch"),
      memoryBytes: 16 * 2 ** 20,
    };
  }

  path(name: string): string {
    return join(this.room, name);
  }

  /** Writes, bundles and stores a job; `$NAME` in the source stands for the job's name. Its module is not loaded. */
  async store(source: string): Promise<JobContext> {
    const name = `job${jobs++}`;
    const directory = join(this.room, name);
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "package.json"), "{}");
    await writeFile(join(directory, "job.ts"), source.replaceAll("$NAME", name));
    const bundle = await bundleJob({ entry: join(directory, "job.ts"), apiNames });
    await createFileBlobs(this.data.blobsDirectory).put(bundleKey(bundle.hash), bundle.code);
    await this.#files().write(bundle);
    const constants = { seed: "seed", submittedAtMs: 0, bundle: bundle.hash };
    return {
      job: jobId(`${name}-x`),
      name,
      params: {},
      constants,
      fingerprint: "unknown",
      joins: [],
      outputDirectories: [""],
    };
  }

  /** As `store`, and submits it: loads the module here and builds the plan. */
  async submit(source: string): Promise<JobContext> {
    const context = await this.store(source);
    const job = await createTestLoader(this.#files())(context);
    return { ...context, fingerprint: fingerprint(job.build({})) };
  }

  #files() {
    const blobs = createFileBlobs(this.data.blobsDirectory);
    return createBundleFiles({
      directory: this.data.bundlesDirectory,
      fetch: (hash) => blobs.get(bundleKey(hash)),
    });
  }
}

let attempts = 0;
/** Of all benches: a process knows one job of a name. */
let jobs = 0;

/** A task over items [start, end) of the range. */
export const assignmentOf = (start: number, end: number): TaskAssignment => ({
  attempt: { stage: stageId(0), partition: 0, epoch: epoch(1), attempt: attempts++ },
  partitions: 1,
  broadcasts: [],
  sinkPartitions: [1],
  input: { kind: "split", split: { kind: "items", start, end } },
});

export class Watcher implements TaskObserver {
  readonly progress: TaskProgress[] = [];
  readonly log: TaskLogEntry[] = [];
  readonly #onProgress: (progress: TaskProgress) => void;
  constructor(onProgress: (progress: TaskProgress) => void = () => {}) {
    this.#onProgress = onProgress;
  }
  onProgress(progress: TaskProgress): void {
    this.progress.push(progress);
    this.#onProgress(progress);
  }
  onLog(entry: TaskLogEntry): void {
    this.log.push(entry);
  }
}

/** A job that maps each of 100,000 numbers with the expression `fn`. */
export const mapping = (fn: string): string =>
  `${IMPORTS}export default job({ name: "$NAME", run: () => read.range(100_000).map(${fn}) });\n`;

export const GOOD = mapping("(n) => n + 1");
