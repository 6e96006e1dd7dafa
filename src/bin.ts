#!/usr/bin/env node
import { writeSync } from "node:fs";
import { keepCompiledCode } from "./adapters/machine/compile-cache.ts";
import { main } from "./cli/main.ts";
import { ownRoot } from "./cli/own-root.ts";
import { processIo } from "./cli/process-io.ts";
import { realDependencies } from "./cli/wiring.ts";

// First: all else is loaded when it is called for.
keepCompiledCode();
const io = processIo();

// With --debug, and while a job's module is loaded, user code runs here: it must not end the process as if all were well.
let ended = false;
process.on("exit", (exitCode) => {
  if (ended || exitCode !== 0) return;
  process.exitCode = 1;
  writeSync(
    2,
    "error[THREAD_DIED]: The job's code ended this process, by process.exit or as nothing was left to wait for. `bicoastal jobs` shows whether a job can be resumed.\n",
  );
});
const code = await main({
  argv: process.argv.slice(2),
  io,
  dependencies: realDependencies(io.cwd),
  ownRoot: ownRoot(),
});
// What is written must be out, and what the user's module left running must not keep the process.
await Promise.all([io.stdout.write(""), io.stderr.write("")]);
ended = true;
process.exit(code);
