#!/usr/bin/env node
import { main } from "./cli/main.ts";
import { ownRoot } from "./cli/own-root.ts";
import { processIo } from "./cli/process-io.ts";
import { realDependencies } from "./cli/wiring.ts";

const io = processIo();
const code = await main({
  argv: process.argv.slice(2),
  io,
  dependencies: realDependencies(io.cwd),
  ownRoot: ownRoot(),
});
// What is written must be out, and what the user's module left running must not keep the process.
await Promise.all([io.stdout.write(""), io.stderr.write("")]);
process.exit(code);
