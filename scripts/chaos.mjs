// `npm run chaos -- --minutes M --seed S`: jobs on real nodes and a real etcd, while they are harmed. Installs what it needs where
// it may, builds, and runs test/chaos from source.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { aptInstall, ensureEtcd, mayInstall } from "./etcd-server.mjs";
import { build, ensureInstalled, root } from "./tools.mjs";

const args = process.argv.slice(2);
const isBuilt = args.includes("--no-build");
if (!ensureInstalled() || !(isBuilt || (await build()))) process.exit(1);
const lacksEtcd = ensureEtcd();
if (lacksEtcd !== undefined) {
  console.error(`chaos needs etcd: ${lacksEtcd}`);
  process.exit(1);
}
// Without it, clocks are left alone.
if (mayInstall() && !existsSync("/usr/bin/faketime")) aptInstall("faketime");

const { build: bundle } = await import("esbuild");
// Inside node_modules, so that the packages it leaves out are found from there; of this run alone, as others may be under way.
const directory = join(root, "node_modules", ".cache", "bicoastal");
const outfile = join(directory, `chaos-${process.pid}.mjs`);
mkdirSync(directory, { recursive: true });
await bundle({
  entryPoints: [join(root, "test", "chaos", "main.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  packages: "external",
  sourcemap: "inline",
  logLevel: "error",
});
// The run ends when its input does, which is when this process ends, however that is.
const run = spawn(
  process.execPath,
  ["--enable-source-maps", outfile, ...args.filter((arg) => arg !== "--no-build")],
  {
    cwd: root,
    env: { ...process.env, BICOASTAL_CHAOS_ROOT: root },
    stdio: ["pipe", "inherit", "inherit"],
  },
);
// Ctrl-C reaches both; the run decides when it is over.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => run.kill("SIGTERM"));
run.on("close", (code) => {
  rmSync(outfile, { force: true });
  process.exit(code ?? 1);
});
