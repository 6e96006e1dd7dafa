/** The real dependencies. Each loads what it needs when it is called: `--help` must not wait for the store. */
import type { SourceSplit } from "../plan/task.ts";
import type { CliDependencies } from "./dependencies.ts";

export function realDependencies(cwd: string): CliDependencies {
  return {
    async connect(options) {
      const { connect } = await import("../api/run.ts");
      return await connect(options);
    },
    async loadJob(request) {
      const { checkJobFile, guardLoading } = await import("./load-job.ts");
      await checkJobFile(request.file, cwd);
      const { loadJobFile } = await import("../api/compose.ts");
      return await guardLoading(request.file, () => loadJobFile(request));
    },
    async sizeStages(plan) {
      const [{ createFileInputs }, { planSplits }, { sizeStages }] = await Promise.all([
        import("../adapters/fs/inputs.ts"),
        import("../engine/read/plan-splits.ts"),
        import("../plan/shape.ts"),
      ]);
      const inputs = createFileInputs(cwd);
      const splits: (readonly SourceSplit[])[] = [];
      for (const { source } of plan.sources) splits.push(await planSplits(source, inputs));
      return sizeStages(
        plan,
        splits.map((list) => list.length),
      );
    },
  };
}
