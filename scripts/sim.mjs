// `npm run sim -- --seeds N`: the simulator, built from source and run. `--seed S --trace` replays one run.
import { join } from "node:path";
import { ensureInstalled, node, root } from "./tools.mjs";

if (!ensureInstalled()) process.exit(1);
const { build } = await import("esbuild");
// Inside node_modules, so that the packages it leaves out are found from there, and git does not see it.
const outfile = join(root, "node_modules", ".cache", "bicoastal", "sim.mjs");
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
const ok = await node(["--enable-source-maps", outfile, ...process.argv.slice(2)]);
process.exit(ok ? 0 : 1);
