// `npm run bench`: every workload, Bicoastal beside its peers. README.md in this folder says how to read what it
// prints, and how to add to it. Progress goes to stderr, results to stdout; the exit code is 1 where ways disagree on
// a result, or one of Bicoastal's own fails.
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, ensureInstalled } from "../scripts/tools.mjs";
import { dataFiles } from "./harness/data.mjs";
import { writeDocs } from "./harness/docs.mjs";
import { endRunning } from "./harness/measure.mjs";
import { readOptions } from "./harness/options.mjs";
import { benchDirectory, peers } from "./harness/peers.mjs";
import { machineText, workloadTable } from "./harness/report.mjs";
import { runRounds } from "./harness/rounds.mjs";
import { targetsTable } from "./harness/targets.mjs";
import { allWorkloads, waysOf } from "./harness/workloads.mjs";

/** @typedef {import("./harness/options.mjs").Options} Options */
/** @typedef {import("./harness/report.mjs").WorkloadResult} WorkloadResult */

/** The workloads that `--only` names. @param {Options} options */
async function chosenWorkloads({ only }) {
  const all = await allWorkloads();
  if (only === undefined) return all.filter((workload) => !workload.large);
  const unknown = only.filter((name) => !all.some((workload) => workload.name.startsWith(name)));
  if (unknown.length > 0) {
    console.error(
      `No workload begins with ${unknown.join(", ")}. There are: ${all.map(({ name }) => name).join(", ")}.`,
    );
    process.exit(2);
  }
  return all.filter(({ name }) => only.some((prefix) => name.startsWith(prefix)));
}

/** The peers that are asked for and are here; says by name which are not. @param {Options} options */
function chosenPeers({ peers: asked }) {
  const wanted = asked?.[0] === "none" ? [] : (asked ?? Object.keys(peers));
  const unknown = wanted.filter((name) => peers[name] === undefined);
  if (unknown.length > 0) {
    console.error(`There is no peer ${unknown.join(", ")}. There are: ${Object.keys(peers).join(", ")}.`);
    process.exit(2);
  }
  /** @type {string[]} */
  const leftOut = [];
  const here = wanted.filter((name) => {
    const why = peers[name]?.missing();
    if (why !== undefined) leftOut.push(`${name}: ${why}`);
    return why === undefined;
  });
  for (const line of leftOut) console.error(`left out: ${line}`);
  return { here, leftOut };
}

/** @param {readonly string[]} files */
function sizeText(files) {
  const bytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
  return files.length === 0
    ? undefined
    : `${(bytes / 1e6).toPrecision(3)} MB in ${files.length === 1 ? "one file" : `${files.length} files`}`;
}

/**
 * @param {import("./harness/workloads.mjs").Workload & { folder: string }} workload
 * @param {Options} options @param {readonly string[]} peerNames @param {string} directory Of the data.
 * @returns {Promise<WorkloadResult>}
 */
async function runWorkload(workload, options, peerNames, directory) {
  const inputs = workload.data(options.scale).flatMap((set) => dataFiles(directory, set));
  const scratch = mkdtempSync(join(directory, "scratch-"));
  scratches.add(scratch);
  try {
    const ways = waysOf(workload, { scale: options.scale, inputs, scratch, peerNames });
    const rounds = options.rounds * (workload.roundsTimes ?? 1);
    const { results, disagree } = await runRounds(workload, { ways, inputs, rounds, scratch });
    const size = [sizeText(inputs), workload.memory && `memory ${workload.memory(options.scale)}`];
    return {
      name: workload.name,
      title: workload.title,
      size: size.filter((text) => text !== undefined).join(", "),
      results,
      disagree,
    };
  } finally {
    scratches.delete(scratch);
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** What must not go by unseen. @param {readonly WorkloadResult[]} workloads */
function failuresOf(workloads) {
  return workloads.flatMap(({ name, results, disagree }) => [
    ...disagree.map((way) => `${name}: the result of ${way} differs from that of the others`),
    ...results
      .filter((way) => way.failure !== undefined && way.name.startsWith("bicoastal"))
      .map((way) => `${name}: ${way.name} failed: ${way.failure}`),
  ]);
}

/** Directories of runs that are under way. @type {Set<string>} */
const scratches = new Set();

/** Where we are told to stop, what is being measured stops too, and its files go. */
function stopTogether() {
  for (const [signal, code] of /** @type {const} */ ([
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ]))
    process.on(signal, () => {
      endRunning();
      for (const scratch of scratches) rmSync(scratch, { recursive: true, force: true });
      process.exit(code);
    });
}

async function main() {
  stopTogether();
  const options = readOptions(process.argv.slice(2));
  const chosen = await chosenWorkloads(options);
  if (options.list) {
    for (const { name, title } of await allWorkloads()) console.log(`${name.padEnd(24)} ${title}`);
    console.log(`\npeers: ${Object.keys(peers).join(", ")}`);
    return;
  }
  if (!ensureInstalled() || (options.build && !(await build()))) process.exit(1);
  const { here, leftOut } = chosenPeers(options);
  const directory = resolve(options.data ?? join(benchDirectory, ".data"));
  mkdirSync(directory, { recursive: true });
  const machine = machineText(options.scaleName, options.rounds, here);
  if (!options.json) console.log(`${machine}\n`);
  /** @type {WorkloadResult[]} */
  const done = [];
  for (const workload of chosen) {
    const result = await runWorkload(workload, options, here, directory);
    done.push(result);
    if (!options.json) console.log(`${workloadTable(result)}\n`);
  }
  const targets = targetsTable(done);
  if (options.json) console.log(JSON.stringify({ machine, leftOut, workloads: done }));
  else if (targets !== undefined) console.log(`### Aims\n\n${targets}\n`);
  if (options.writeDocs) writeDocs({ machine, leftOut, workloads: done, targets });
  const failures = failuresOf(done);
  for (const line of failures) console.error(line);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

await main();
