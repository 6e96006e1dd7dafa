import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

/** For tests: what a thread loads, built below `room` as the package lays it out; frames in `dist` are not the user's. */
export function buildThread(room: string): URL {
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
  // Packages that are loaded when they are needed are looked for from there.
  symlinkSync(join(import.meta.dirname, "../../../node_modules"), join(room, "dist/node_modules"));
  return pathToFileURL(entry);
}
