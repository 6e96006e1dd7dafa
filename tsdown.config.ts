import { defineConfig } from "tsdown";

const common = { platform: "node", target: "node20" } as const;

export default defineConfig([
  {
    ...common,
    entry: { index: "src/index.ts", bin: "src/bin.ts", thread: "src/thread.ts" },
    format: "esm",
    dts: { entry: "src/index.ts" },
    sourcemap: true,
    clean: true,
    outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  },
  // What the command and a thread run, each in one file: it is loaded at once, as V8 compiled it before.
  ...["command", "task-thread"].map(
    (name) =>
      ({
        ...common,
        entry: { [name]: `src/${name}.ts` },
        format: "cjs",
        dts: false,
        clean: false,
        outExtensions: () => ({ js: ".cjs" }),
        outputOptions: { codeSplitting: false, dynamicImportInCjs: false },
      }) as const,
  ),
]);
