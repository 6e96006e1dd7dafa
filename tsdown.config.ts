import { defineConfig } from "tsdown";

const common = {
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: true,
  // Node before 22.1 parses all of it at every start. Names stay, as they are seen in stacks and in plans.
  minify: { compress: false, mangle: false, codegen: { removeWhitespace: true } },
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
} as const;

/** A chunk of these modules and of all that they import outright. */
const together = (name: string, test: RegExp, priority: number) => ({ name, test, priority });

export default defineConfig([
  {
    ...common,
    entry: { index: "src/index.ts", bin: "src/bin.ts" },
    dts: { entry: "src/index.ts" },
    clean: true,
    outputOptions: {
      // Each module file takes Node longer to find and to link than to compile: what is loaded together is one file.
      // What every command needs comes first, then what a job's module does, then what runs jobs.
      codeSplitting: {
        groups: [
          together("command", /\/src\/cli\/(main|own-root|process-io|wiring)\.ts$/, 4),
          together("job", /\/src\/api\/(job|read|dataset|run|connect|config)\.ts$/, 3),
          together("screen", /\/src\/cli\/show\/(help|help-pages|error)\.ts$/, 2),
          together("run", /\/src\/(api\/compose|cli\/load-job|cli\/commands\/run)\.ts$/, 1),
        ],
      },
    },
  },
  // A thread's code, in one file for the same reason.
  {
    ...common,
    entry: { thread: "src/thread.ts" },
    dts: false,
    clean: false,
    outputOptions: { codeSplitting: { groups: [together("thread-tasks", /\/src\/task-thread\.ts$/, 1)] } },
  },
]);
