/**
 * The simulator's command line: `npm run sim -- --seeds 500`, `npm run sim -- --world nodes --seed 42 --trace`,
 * `npm run sim -- --scale`.
 *
 * `--seeds N` plays the seeds from `--from` on, the same ones every time; `--fresh N` more that nobody has played before, and
 * `--minutes M` as many as there is time for. Their names, which are printed, hang on `--stamp`: CI's commit, or the time.
 * `--no-storms` leaves out the times in which most of what is tried goes wrong.
 *
 * Two worlds: `job` is one job with drivers and workers of its own, `nodes` a cluster of whole nodes with several jobs.
 */
import { parseArgs } from "node:util";
import { createMsgpackCodec } from "../src/adapters/codec/msgpack-codec.ts";
import { crc32, gzip } from "../src/adapters/codec/zlib.ts";
import { Tally, type WorldName } from "../src/sim/tally.ts";
import { runNodeSeed } from "../src/sim/worlds/run-node-seed.ts";
import { runSeed } from "../src/sim/worlds/run-seed.ts";
import { runScale } from "../src/sim/worlds/scale.ts";
import type { SeedResult } from "../src/sim/worlds/seed.ts";

const SEEDS_DEFAULT = 300;
/** So many seeds meet every fault and every situation worth meeting, or something is wrong with how they are drawn. */
const SEEDS_THAT_MEET_ALL = 250;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: String(SEEDS_DEFAULT) },
    from: { type: "string", default: "0" },
    seed: { type: "string" },
    world: { type: "string", default: "both" },
    trace: { type: "boolean", default: false },
    scale: { type: "boolean", default: false },
    "no-storms": { type: "boolean", default: false },
    fresh: { type: "string", default: "0" },
    minutes: { type: "string", default: "0" },
    stamp: { type: "string" },
    failures: { type: "string", default: "1000000" },
    commit: { type: "string", default: "unknown" },
  },
});

if (values.scale) {
  printScale();
  process.exit(0);
}

const WORLDS: readonly (readonly [WorldName, typeof runSeed])[] = [
  ["job", runSeed],
  ["nodes", runNodeSeed],
];
const names = WORLDS.map(([name]) => name);
if (values.world !== "both" && !names.some((name) => name === values.world)) {
  console.error(`--world is "${values.world}"; it must be one of ${names.join(", ")}, both.`);
  process.exit(2);
}
const libraries = { codec: createMsgpackCodec(), crc32, gzip };
const startMs = performance.now();
const tallies = WORLDS.filter(([name]) => values.world === "both" || values.world === name).map(
  ([name, run]) => ({ tally: new Tally(name), run }),
);
const failuresMax = wholeNumber("--failures", values.failures);
const seeds = seedsToPlay();
for (const seed of seeds) {
  for (const { tally, run } of tallies) tally.add(await play(tally.world, run, seed));
  if (failures() >= failuresMax) break;
}
report();

/** The seeds asked for: one, or a fixed range and then fresh ones, by number or for as long as there is time. */
function* seedsToPlay(): Generator<string> {
  if (values.seed !== undefined) return yield values.seed;
  const from = wholeNumber("--from", values.from);
  const count = wholeNumber("--seeds", values.seeds);
  for (let seed = from; seed < from + count; seed++) yield String(seed);
  const fresh = wholeNumber("--fresh", values.fresh);
  const untilMs = startMs + 60_000 * wholeNumber("--minutes", values.minutes);
  const stamp = values.stamp ?? process.env.GITHUB_SHA?.slice(0, 12) ?? Date.now().toString(36);
  if (fresh > 0 || performance.now() < untilMs) console.log(`fresh seeds: ${stamp}-0, ${stamp}-1, ...`);
  for (let index = 0; index < fresh || performance.now() < untilMs; index++) yield `${stamp}-${index}`;
}

async function play(world: WorldName, run: typeof runSeed, seed: string): Promise<SeedResult> {
  const noStorms = values["no-storms"];
  const result = await run(seed, libraries, values.trace ? { noStorms, print: console.log } : { noStorms });
  if (values.seed !== undefined)
    console.log(`seed ${seed} of ${world}: trace ${result.traceHash}, ${result.steps} steps`);
  if (result.problems.length === 0) return result;
  console.error(
    `seed ${seed} of ${world} failed, at commit ${values.commit}:\n  ${result.problems.join("\n  ")}`,
  );
  const weather = noStorms ? " --no-storms" : "";
  console.error(`  replay it: npm run sim -- --world ${world} --seed ${seed}${weather} --trace`);
  return result;
}

function failures(): number {
  return tallies.reduce((sum, { tally }) => sum + tally.failed, 0);
}

function report(): void {
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage();
  const coreSeconds = (user + system) / 1e6;
  let lacking = 0;
  for (const { tally } of tallies) {
    const told = [...tally.faults].sort().map(([kind, times]) => `${kind} ${times}`);
    console.log(
      `${tally.world}: ${tally.seeds} seeds, ${tally.failed} failed, ${tally.undecided} of them as nobody could tell whether one store gave all its answers; ` +
        `${tally.faultCount} faults: ${told.join(", ")}; met ${[...tally.met].sort().join(", ")}`,
    );
    const missing = tally.missing.filter((what) => what !== "storm" || !values["no-storms"]);
    if (tally.seeds < SEEDS_THAT_MEET_ALL || missing.length === 0) continue;
    lacking++;
    console.error(`${tally.world}: ${tally.seeds} seeds never met ${missing.join(", ")}`);
  }
  const total = (of: (tally: Tally) => number): number =>
    tallies.reduce((sum, { tally }) => sum + of(tally), 0);
  const virtualS = total(({ virtualMs }) => virtualMs) / 1000;
  const faults = total(({ faultCount }) => faultCount);
  console.log(
    `${total((tally) => tally.seeds)} runs, ${failures()} failed; ${Math.round(virtualS)} virtual seconds in ${seconds.toFixed(1)} s ` +
      `and ${coreSeconds.toFixed(1)} s of CPU (${Math.round(virtualS / coreSeconds)}:1), ` +
      `${faults} faults (${Math.round(faults / coreSeconds)} a second of CPU)`,
  );
  process.exitCode = failures() + lacking === 0 ? 0 : 1;
}

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
