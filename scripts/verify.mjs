// `npm run verify`: everything that must hold before a change lands. Runs all checks, then says which failed.
import { build, ensureInstalled, node, tool } from "./tools.mjs";

if (!ensureInstalled()) process.exit(1);

/** In this order; `build` first, because later checks read dist/. @type {[string, () => Promise<boolean>][]} */
const checks = [
  ["build", build],
  ["format and lint (biome)", () => tool("@biomejs/biome", ["ci", "--error-on-warnings"], { quiet: true })],
  ["types (tsc)", () => tool("typescript", ["--noEmit"], { command: "tsc", quiet: true })],
  ["public types against test/golden/public-types.d.ts", () => node(["scripts/public-types.mjs"])],
  ["package contents (publint)", () => tool("publint", ["--strict"], { quiet: true })],
  [
    "package types (attw)",
    () => tool("@arethetypeswrong/cli", ["--pack", ".", "--profile", "esm-only"], { quiet: true }),
  ],
  ["unused files, exports and dependencies (knip)", () => tool("knip", [], { command: "knip", quiet: true })],
  ["simulation: a fixed set of seeds (npm run sim)", () => node(["scripts/sim.mjs", "--seeds", "400"])],
  [
    // Storms that nobody has met before are for the nights: what they find is no fault of the change at hand.
    "simulation: fresh seeds (npm run sim -- --no-storms)",
    () => node(["scripts/sim.mjs", "--seeds", "0", "--fresh", "200", "--no-storms"]),
  ],
  ["tests: house rules, import boundaries, everything else (npm test)", () => node(["scripts/test.mjs"])],
];

const failed = [];
for (const [name, check] of checks) {
  const startMs = performance.now();
  const ok = await check();
  console.log(`${ok ? "ok    " : "FAILED"} ${name} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
  if (!ok) failed.push(name);
}
if (failed.length > 0) {
  console.error(`\nverify: ${failed.length} of ${checks.length} checks failed: ${failed.join("; ")}`);
  process.exit(1);
}
console.log(`\nverify: all ${checks.length} checks passed`);
