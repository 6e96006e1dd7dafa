// `npm run bench:profile`: where the time of each of Bicoastal's own ways goes, as `perf` sees all threads of the process:
// why a figure of `npm run bench` is what it is. Progress goes to stderr, the table to stdout.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, ensureInstalled } from "../../scripts/tools.mjs";
import { dataFiles } from "../harness/data.mjs";
import { writeBetween } from "../harness/docs.mjs";
import { benchDirectory } from "../harness/peers.mjs";
import { machineText, table } from "../harness/report.mjs";
import { scales } from "../harness/scales.mjs";
import { allWorkloads, waysOf } from "../harness/workloads.mjs";
import { kinds, sharesOf } from "./shares.mjs";

/** @typedef {import("../harness/workloads.mjs").Way} Way */

const mark = "bench:profile";
/** An odd number, so as not to fall in step with what happens by the millisecond. */
const samplesPerSecond = 297;
const functionsShown = 3;
const reportBytesMax = 2 ** 28;

const help = `npm run bench:profile -- [options]

Runs each of Bicoastal's own ways under perf, and prints where its time goes. Needs perf (Debian: linux-perf).

  --only NAMES       workloads, by the beginning of their names (default: all that move data, but large)
  --scale NAME       ${Object.keys(scales).join(", ")} (default: medium)
  --data DIR         where the data is made and kept (default: $BICOASTAL_BENCH_DATA, else bench/.data)
  --write-docs       also write the table into docs/
  --no-build         profile dist/ as it is
  --help
`;

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(`${message} See npm run bench:profile -- --help.`);
  process.exit(2);
}

function readOptions() {
  const options = /** @type {const} */ ({
    only: { type: "string" },
    scale: { type: "string", default: "medium" },
    data: { type: "string" },
    "write-docs": { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  });
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

/** What perf, or the program under it, prints; throws where it fails. @param {readonly string[]} args */
function perf(args, env = process.env) {
  const { status, stdout, stderr } = spawnSync("perf", args, {
    env,
    encoding: "utf8",
    maxBuffer: reportBytesMax,
  });
  if (status !== 0) throw new Error(`perf ${args[0]} failed: ${stderr.trim().split("\n").at(-1)}`);
  return stdout;
}

/** Says which process it is, and becomes the program that follows. */
const saysItsId = ["sh", "-c", 'echo $$ > "$0"; exec "$@"'];

/** @param {Way} way @param {string} room Empty, for what the run makes. */
function profile(way, room) {
  const recorded = join(room, "perf.data");
  const id = join(room, "pid");
  const out = join(room, "out");
  mkdirSync(out);
  const [node = "", ...args] = way.command(out);
  const command = [...saysItsId, id, node, "--perf-basic-prof", ...args];
  try {
    perf(["record", "-q", "-F", String(samplesPerSecond), "-o", recorded, ...command], {
      ...process.env,
      ...way.env,
      BICOASTAL_DATA_DIR: way.dataDir ?? join(room, "jobs"),
    });
    return sharesOf(perf(["report", "-i", recorded, "--stdio", "-n", "-t", "\t", "--sort", "dso,symbol"]));
  } finally {
    // Node writes the names of its functions where perf looks for them, and nowhere else.
    rmSync(`/tmp/perf-${readFileSync(id, "utf8").trim()}.map`, { force: true });
  }
}

/** @param {import("./shares.mjs").Shares} shares @param {string} name */
function rowOf({ samples, byKind, functions }, name) {
  const percent = (/** @type {number} */ part) => `${((100 * part) / samples).toFixed(0)} %`;
  return [
    name,
    (samples / samplesPerSecond).toFixed(1),
    ...kinds.map((kind) => percent(byKind.get(kind) ?? 0)),
    functions
      .slice(0, functionsShown)
      .map(([it, part]) => `\`${it}\` ${percent(part)}`)
      .join(", "),
  ];
}

async function main() {
  const options = readOptions();
  if (options.help) return void process.stdout.write(help);
  const scale = scales[options.scale];
  if (scale === undefined) refuse(`--scale takes ${Object.keys(scales).join(", ")}, not "${options.scale}".`);
  const only = options.only?.split(",").filter((name) => name !== "");
  // Those that run a way of another name measure how long something takes, not what it does.
  const all = (await allWorkloads()).filter(({ ours, large }) => ours.length > 0 && !large);
  const unknown = only?.filter((name) => !all.some((workload) => workload.name.startsWith(name))) ?? [];
  if (unknown.length > 0)
    refuse(
      `No workload begins with ${unknown.join(", ")}. There are: ${all.map(({ name }) => name).join(", ")}.`,
    );
  if (spawnSync("perf", ["version"]).status !== 0) {
    console.error("Nothing can be profiled without perf: install it (Debian: apt-get install linux-perf).");
    process.exit(1);
  }
  if (!ensureInstalled() || (!options["no-build"] && !(await build()))) process.exit(1);
  const directory = resolve(
    options.data ?? process.env.BICOASTAL_BENCH_DATA ?? join(benchDirectory, ".data"),
  );
  mkdirSync(directory, { recursive: true });
  /** @type {string[][]} */
  const rows = [];
  for (const workload of all) {
    if (only !== undefined && !only.some((prefix) => workload.name.startsWith(prefix))) continue;
    const inputs = workload.data(scale).flatMap((set) => dataFiles(directory, set));
    for (const way of waysOf(workload, { scale, inputs, scratch: directory, peerNames: [] })) {
      const room = mkdtempSync(join(tmpdir(), "bicoastal-bench-profile-"));
      try {
        console.error(`${workload.name}: ${way.title}`);
        rows.push(rowOf(profile(way, room), way.title.replace("Bicoastal", workload.name)));
      } finally {
        rmSync(room, { recursive: true, force: true });
      }
    }
  }
  const made = table(["way", "CPU s", ...kinds, "largest functions"], rows);
  const machine = machineText(options.scale, 1, []);
  console.log(`${machine}\n\n${made}`);
  if (options["write-docs"]) writeBetween(mark, [machine, made]);
}

await main();
