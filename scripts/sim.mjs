// `npm run sim -- --seeds N`: the simulator, built from source and run. `--seed S --trace` replays one run.
// `npm run sim:night -- --minutes M`: fresh seeds on every core, until the time is over or some have failed.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { ensureInstalled, node, root } from "./tools.mjs";

const NIGHT_MINUTES = "480";
const NIGHT_FAILURES_MAX = "3";

if (!ensureInstalled()) process.exit(1);
const { build } = await import("esbuild");
// Inside node_modules, so that the packages it leaves out are found from there, and git does not see it.
const cache = join(root, "node_modules", ".cache", "bicoastal");
mkdirSync(cache, { recursive: true });
const directory = mkdtempSync(join(cache, "sim-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const outfile = join(directory, "sim.mjs");
await build({
  entryPoints: [join(root, "scripts", "sim-main.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "error",
});

/** @param {string[]} more */
const play = (more) => node(["--enable-source-maps", outfile, "--commit", commit(), ...more]);
const args = process.argv.slice(2);
const ok = args[0] === "--night" ? await night(args.slice(1)) : await play(args);
process.exit(ok ? 0 : 1);

/** @param {string[]} more */
async function night(more) {
  const stamp = Date.now().toString(36);
  const runs = Array.from({ length: availableParallelism() }, (_, core) =>
    play([
      ...["--seeds", "0", "--minutes", NIGHT_MINUTES, "--failures", NIGHT_FAILURES_MAX],
      ...["--stamp", `${stamp}-${core}`, ...more],
    ]),
  );
  return (await Promise.all(runs)).every((fine) => fine);
}

/** What is checked out, for whoever replays a seed later. */
function commit() {
  try {
    const head = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return head.toString().trim();
  } catch {
    return "unknown";
  }
}
