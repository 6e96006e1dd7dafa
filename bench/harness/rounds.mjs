// Runs the ways of one workload in rotation: each round runs every way once and begins with another, so that a busy
// minute of the machine hits each of them, and ratios compare runs that lie close together.
import { closeSync, mkdirSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { digestOf, disagreeing } from "./agree.mjs";
import { digits } from "./figures.mjs";
import { measure } from "./measure.mjs";

/** @typedef {import("./workloads.mjs").Way} Way */

/**
 * @typedef {object} Run
 * @property {number} round
 * @property {number} seconds
 * @property {number | undefined} cpuSeconds
 * @property {number | undefined} peakMb
 */

/** @typedef {{ name: string, title: string, runs: Run[], failure: string | undefined }} WayResult */

/** A way that takes this many times as long as the first way, and this long, runs once: its ratio needs no median. */
const slowTimes = 5;
const slowSeconds = 8;
const secondsMax = 900;
const secondsMaxLarge = 7200;

/** Brings the inputs into the page cache, for the first way as for the others. @param {readonly string[]} paths */
function readOnce(paths) {
  const piece = Buffer.alloc(1 << 22);
  for (const path of paths) {
    const fd = openSync(path, "r");
    while (readSync(fd, piece) > 0);
    closeSync(fd);
  }
}

/** @param {Way} way @param {string} output */
function printedSeconds(way, output) {
  const seconds = JSON.parse(output.trim()).seconds;
  if (typeof seconds !== "number") throw new Error(`${way.name} printed no seconds: ${output}`);
  return seconds;
}

/** @param {readonly Way[]} ways @param {number} round From 0. */
const rotated = (ways, round) => ways.map((_, i) => /** @type {Way} */ (ways[(i + round) % ways.length]));

/**
 * @param {import("./workloads.mjs").Workload} workload
 * @param {{ ways: readonly Way[], inputs: readonly string[], rounds: number, scratch: string }} options
 * @returns {Promise<{ results: WayResult[], disagree: string[] }>}
 */
export async function runRounds(workload, { ways, inputs, rounds, scratch }) {
  readOnce(inputs);
  /** @type {Map<string, WayResult>} */
  const results = new Map(
    ways.map(({ name, title }) => [name, { name, title, runs: [], failure: undefined }]),
  );
  /** @type {Map<string, string>} */
  const digests = new Map();
  /** @type {Set<string>} */
  const disagree = new Set();
  const isSlow = (/** @type {WayResult} */ result) => {
    const seconds = result.runs[0]?.seconds ?? 0;
    return (
      seconds > slowSeconds && seconds > slowTimes * ([...results.values()][0]?.runs[0]?.seconds ?? seconds)
    );
  };
  for (const way of ways) if (way.warmUp) await runOnce(workload, way, scratch);
  for (let round = 0; round < rounds; round++) {
    for (const way of rotated(ways, round)) {
      const result = /** @type {WayResult} */ (results.get(way.name));
      if (result.failure !== undefined || (round > 0 && isSlow(result))) continue;
      const label = `${workload.name}, round ${round + 1} of ${rounds}: ${way.title}`;
      try {
        const { run, digest } = await runOnce(workload, way, scratch);
        result.runs.push({ round, ...run });
        if (digest !== (digests.get(way.name) ?? digest)) disagree.add(way.name);
        digests.set(way.name, digest);
        console.error(`${label}: ${digits(run.seconds)} s`);
      } catch (error) {
        result.failure = error instanceof Error ? error.message : String(error);
        console.error(`${label}: FAILED: ${result.failure}`);
      }
    }
  }
  if (workload.result !== "none" && digests.size > 0)
    for (const name of disagreeing(digests)) disagree.add(name);
  return { results: [...results.values()], disagree: [...disagree] };
}

/** @param {import("./workloads.mjs").Workload} workload @param {Way} way @param {string} scratch */
async function runOnce(workload, way, scratch) {
  const out = join(scratch, "out");
  const dataDir = way.dataDir ?? join(scratch, "jobs");
  mkdirSync(out, { recursive: true });
  try {
    const measured = await measure(way.command(out), {
      env: { BICOASTAL_DATA_DIR: dataDir, ...way.env },
      secondsMax: workload.large ? secondsMaxLarge : secondsMax,
    });
    const { output, ...run } = measured;
    if (way.printsSeconds) run.seconds = printedSeconds(way, output);
    return { run, digest: workload.result === "none" ? "" : digestOf(workload.result, output, out) };
  } finally {
    rmSync(out, { recursive: true, force: true });
    if (way.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
  }
}
