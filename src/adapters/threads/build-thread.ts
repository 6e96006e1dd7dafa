import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

/** For tests: what a thread loads, built below `room` as the package lays it out; frames in `dist` are not the user's. */
export function buildThread(room: string): URL {
  const source = (name: string): string => join(import.meta.dirname, "../..", name);
  const entry = join(room, "dist/thread.js");
  buildSync({
    entryPoints: [source("thread.ts")],
    outfile: entry,
    bundle: true,
    format: "esm",
    platform: "node",
  });
  buildSync({
    entryPoints: [source("task-thread.ts")],
    outfile: join(room, "dist/task-thread.cjs"),
    bundle: true,
    format: "cjs",
    platform: "node",
    define: { "import.meta.url": "ownUrl" },
    banner: { js: 'const ownUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
  // Packages that are loaded when they are needed are looked for from there.
  symlinkSync(join(import.meta.dirname, "../../../node_modules"), join(room, "dist/node_modules"));
  return pathToFileURL(entry);
}
