/** What a worker thread does: the executor on this machine's ports, and of the API what jobs are written with. */
import { bundleKey, createBundleFiles } from "./adapters/bundle/bundle-files.ts";
import { ThreadGarbage } from "./adapters/threads/collect-garbage.ts";
import { warnOfImpureCalls } from "./adapters/threads/impure-calls.ts";
import { createLocalPorts } from "./adapters/threads/local-ports.ts";
import { serveTasks } from "./adapters/threads/serve-tasks.ts";
import { threadStart } from "./adapters/threads/thread-start.ts";
import { onParked, parkRuns } from "./api/parked-runs.ts";
import { findJob } from "./api/registry.ts";
import { createJobLoader } from "./runtime/executor/job-loader.ts";
import { createTaskExecutor } from "./runtime/executor/task-executor.ts";

/** Serves tasks until the thread ends. */
export function serveThread(): void {
  const { port, shared, thread, heapBytes, data } = threadStart();
  const garbage = new ThreadGarbage(heapBytes);
  const ports = createLocalPorts(data, thread, garbage.look);
  const bundles = createBundleFiles({
    directory: data.bundlesDirectory,
    fetch: (hash) => ports.blobs.get(bundleKey(hash)),
  });

  parkRuns();

  const executor = createTaskExecutor({
    memoryBytes: data.memoryBytes,
    openEnvironment: ports.open,
    loadJob: createJobLoader({ evaluate: bundles.load, findJob, onParked }),
  });

  serveTasks({
    port,
    shared,
    garbage,
    executor: warnOfImpureCalls(executor, data.bundlesDirectory),
    setPeers: ports.setPeers,
  });
}
