import { createTestLoader } from "../../ports/job-bench.contract.ts";
import { taskRunnerContract } from "../../ports/task-runner.contract.ts";
import { createTaskExecutor } from "../../runtime/executor/task-executor.ts";
import { bundleKey, createBundleFiles } from "../bundle/bundle-files.ts";
import { warnOfImpureCalls } from "./impure-calls.ts";
import { createInlineRunner } from "./inline-runner.ts";
import { createLocalPorts } from "./local-ports.ts";
import type { ThreadData } from "./thread-data.ts";

taskRunnerContract("inline", {
  isolated: false,
  mapsStacks: false,
  create: (data) =>
    createInlineRunner({ executor: warnOfImpureCalls(executorOf(data), data.bundlesDirectory) }),
});

function executorOf(data: ThreadData) {
  const ports = createLocalPorts(data, "inline");
  const fetch = (hash: Parameters<typeof bundleKey>[0]) => ports.blobs.get(bundleKey(hash));
  const bundles = createBundleFiles({ directory: data.bundlesDirectory, fetch });
  return createTaskExecutor({
    loadJob: createTestLoader(bundles),
    openEnvironment: ports.open,
    memoryBytes: data.memoryBytes,
  });
}
