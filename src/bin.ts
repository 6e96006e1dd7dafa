#!/usr/bin/env node
import { fileURLToPath } from "node:url";
import { loadCode } from "./adapters/machine/compiled-code.ts";

// Each command runs other parts of what is loaded.
const { exports, keep } = loadCode(
  fileURLToPath(new URL("./command.cjs", import.meta.url)),
  process.argv[2] ?? "help",
);
const { runCommand } = exports as typeof import("./command.ts");
await runCommand(
  (url) => import(url),
  () => keep?.(),
);
