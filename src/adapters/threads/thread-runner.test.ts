import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";
import { afterAll } from "vitest";
import { taskRunnerContract } from "../../ports/task-runner.contract.ts";
import { createThreadRunner } from "./thread-runner.ts";

// As the package lays it out: frames in `dist` are not the user's.
const room = mkdtempSync(join(tmpdir(), "thread-"));
afterAll(() => rmSync(room, { recursive: true, force: true }));
const entry = join(room, "dist/thread.js");
buildSync({
  entryPoints: [join(import.meta.dirname, "../../thread.ts")],
  outfile: entry,
  bundle: true,
  format: "esm",
  platform: "node",
  banner: {
    js: 'import { createRequire as make } from "node:module"; const require = make(import.meta.url);',
  },
});

taskRunnerContract("threads", {
  isolated: true,
  mapsStacks: true,
  create: (threadData, onOutput) =>
    createThreadRunner({
      threads: 2,
      entry: pathToFileURL(entry),
      threadData,
      onOutput,
      memory: { threadsBytes: 192 * 2 ** 20, youngBytes: 12 * 2 ** 20 },
      stopGraceMs: 100,
      loadTimeoutMs: 2000,
    }),
});
