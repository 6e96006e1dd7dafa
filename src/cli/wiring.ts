/** The real dependencies. Each loads what it needs when it is called: `--help` must not wait for the store. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { CliDependencies } from "./dependencies.ts";

export function realDependencies(cwd: string): CliDependencies {
  return {
    async startNode(settings) {
      const { startNode } = await import("../api/compose-cluster.ts");
      return await startNode(settings);
    },
    async startDevCluster(settings) {
      const { startDevCluster } = await import("./dev/dev-cluster.ts");
      return await startDevCluster(settings);
    },
    async listNodes(store) {
      const { listNodes } = await import("../api/compose-store.ts");
      return await listNodes(store);
    },
    async drainNode(store, node, onAsked) {
      const { drainNode } = await import("../api/compose-store.ts");
      await drainNode(store, node, onAsked);
    },
    async makeCertificates(request) {
      const { makeCertificates } = await import("../adapters/certs/make-certificates.ts");
      return await makeCertificates(request);
    },
    async diagnose(request) {
      const { diagnose } = await import("./doctor/diagnose.ts");
      return await diagnose(request);
    },
    hasDataDir: (dataDir) => existsSync(resolve(cwd, dataDir)),
    async connect(options) {
      const { connect } = await import("../api/run.ts");
      return await connect(options);
    },
    async loadJob(request) {
      const { checkJobFile, guardLoading } = await import("./load-job.ts");
      await checkJobFile(request.file, cwd);
      const { loadJobFile } = await import("../api/compose.ts");
      const dataDir = request.lookOnly === true ? passingDirectory() : request.dataDir;
      const where = dataDir === undefined ? request : { ...request, dataDir };
      return await guardLoading(request.file, () => loadJobFile(where));
    },
    async layOutPlan(plan) {
      const [{ createInputs }, { planSplits }, { layOutPlan }] = await Promise.all([
        import("../adapters/schemes/inputs.ts"),
        import("../engine/read/plan-splits.ts"),
        import("../runtime/lay-out-plan.ts"),
      ]);
      const inputs = createInputs({ cwd });
      return await layOutPlan(plan, (source) => planSplits(source, inputs));
    },
  };
}

/** For what is made only to be looked at; gone when this process is. */
function passingDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-look-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
