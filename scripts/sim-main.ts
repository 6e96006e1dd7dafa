/**
 * The simulator's command line: `npm run sim -- --seeds 500`, `npm run sim -- --world nodes --seed 42 --trace`,
 * `npm run sim -- --scale`.
 * Two worlds: `job` is one job with drivers and workers of its own, `nodes` a cluster of whole nodes with several jobs.
 */
import { parseArgs } from "node:util";
import { createMsgpackCodec } from "../src/adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../src/adapters/codec/zlib.ts";
import { runNodeSeed } from "../src/sim/worlds/run-node-seed.ts";
import { runSeed } from "../src/sim/worlds/run-seed.ts";
import { runScale } from "../src/sim/worlds/scale.ts";

const SEEDS_DEFAULT = 500;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: String(SEEDS_DEFAULT) },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    world: { type: "string", default: "both" },
    trace: { type: "boolean", default: false },
    scale: { type: "boolean", default: false },
  },
});

if (values.scale) {
  printScale();
  process.exit(0);
}

const WORLDS = new Map([
  ["job", runSeed],
  ["nodes", runNodeSeed],
]);
if (values.world !== "both" && !WORLDS.has(values.world)) {
  console.error(`--world is "${values.world}"; it must be one of job, nodes, both.`);
  process.exit(2);
}
const worlds = [...WORLDS].filter(([name]) => values.world === "both" || values.world === name);
const count = values.seed === undefined ? wholeNumber("--seeds", values.seeds) : 1;
const from = wholeNumber("--from", values.from);
const libraries = { codec: createMsgpackCodec(), crc32, gzip };
const startMs = performance.now();
const faults = new Map<string, number>();
let virtualMs = 0;
let failed = 0;
for (let index = 0; index < count; index++) {
  const seed = values.seed ?? String(from + index);
  for (const [world, run] of worlds) {
    const result = await run(seed, libraries, values.trace ? { print: console.log } : {});
    virtualMs += result.virtualMs;
    for (const [kind, times] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + times);
    if (values.seed !== undefined)
      console.log(`seed ${seed} of ${world}: trace ${result.traceHash}, ${result.steps} steps`);
    if (result.problems.length === 0) continue;
    failed++;
    console.error(`seed ${seed} of ${world} failed:\n  ${result.problems.join("\n  ")}`);
    console.error(`  replay it: npm run sim -- --world ${world} --seed ${seed} --trace`);
  }
}
const seconds = (performance.now() - startMs) / 1000;
const injected = [...faults.values()].reduce((sum, times) => sum + times, 0);
console.log(
  `${count} seeds, ${failed} failed; ${Math.round(virtualMs / 1000)} virtual seconds in ${seconds.toFixed(1)} s ` +
    `(${Math.round(virtualMs / 1000 / seconds)}:1), ${injected} faults: ` +
    [...faults]
      .sort()
      .map(([kind, times]) => `${kind} ${times}`)
      .join(", "),
);
process.exitCode = failed === 0 ? 0 : 1;

/** What the driver of one job costs for each task, on a thousand simulated nodes, from few tasks to very many. */
function printScale(): void {
  const nodes = 1_000;
  const rounds = 3;
  // Of this process alone: other programs do not matter.
  const nowMs = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  runScale({ nodes, tasks: 10_000, seed: "warm", nowMs });
  console.log(
    "| nodes | tasks | driver, CPU µs a task | driver's steps | virtual s | attempts | what it told |",
  );
  console.log("|---:|---:|---:|---:|---:|---:|---|");
  for (const tasks of [1_000, 10_000, 100_000]) {
    const runs = Array.from({ length: rounds }, (_, round) =>
      runScale({ nodes, tasks, seed: `round ${round}`, nowMs }),
    );
    runs.sort((a, b) => a.driverMs - b.driverMs);
    const { driverMs, steps, virtualMs, attempts, notes } = runs[Math.floor(rounds / 2)]!;
    const micros = ((1_000 * driverMs) / tasks).toFixed(1);
    const told = [...notes].sort().map(([kind, times]) => `${kind} ${times}`);
    console.log(
      `| ${nodes} | ${tasks} | ${micros} | ${steps} | ${Math.round(virtualMs / 1_000)} | ${attempts} | ${told.join(", ")} |`,
    );
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  console.error(`${option} is "${text}"; it must be a whole number.`);
  process.exit(2);
}
