// The workloads, and each workload's ways: Bicoastal's own, and the peers that have a program in its folder.
//
// A peer's program is run as `program OUT INPUT…`. OUT is an empty directory for what it writes, if the workload is to
// write; else it prints its rows as lines of JSON. The environment has BENCH_THREADS, and where the workload has them
// BENCH_CASE, BENCH_MEMORY (such as 300MB) and BENCH_SCRATCH (a directory for files on the way).
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/tools.mjs";
import { benchDirectory, peers } from "./peers.mjs";

/** @typedef {import("./scales.mjs").Scale} Scale */
/** @typedef {import("./data.mjs").DataSet} DataSet */

/**
 * A way of Bicoastal's.
 * @typedef {object} Ours
 * @property {string} name Unique among the workload's ways.
 * @property {string} title
 * @property {string} job File in the workload's folder.
 */

/**
 * @typedef {object} Workload
 * @property {string} name As `--only` takes it.
 * @property {string} title
 * @property {string} [folder] Below `workloads/`, where its name is not the folder's.
 * @property {(scale: Scale) => DataSet[]} data
 * @property {import("./agree.mjs").ResultKind | "none"} result `none`: there is nothing to agree on.
 * @property {Ours[]} ours The first is what others are compared with.
 * @property {string} [case] Told to programs that serve several workloads.
 * @property {(scale: Scale) => string} [memory] Budget of Bicoastal, and of peers that can be told.
 * @property {string[]} [params] Names of the params that are given the inputs, one each; default: all go to `input`.
 * @property {(options: { scale: Scale, inputs: readonly string[], scratch: string }) => Way[]} [ways] Instead of those
 *   found by file.
 * @property {string[]} [peers] The only ones that can do it; default: all that have a program in the folder.
 * @property {number} [roundsTimes] How many times the rounds of others it runs, as it is short.
 * @property {boolean} [large] Only run where it is asked for.
 */

/**
 * @typedef {object} Way
 * @property {string} name `bicoastal…`, or a peer's.
 * @property {string} title
 * @property {(out: string) => string[]} command
 * @property {Record<string, string>} [env]
 * @property {boolean} [printsSeconds] Measures itself, and prints `{"seconds":…}`.
 * @property {boolean} [warmUp] Runs once before, unmeasured.
 * @property {string} [dataDir] A data directory that is kept between runs; default: a new one for each.
 */

/** Order of the table, and of the runs. */
const order = [
  "wordcount",
  "grep",
  "inverted-index",
  "groupby",
  "join",
  "sort",
  "distinct",
  "top",
  "startup",
  "tasks",
  "large",
];

/** @returns {Promise<(Workload & { folder: string })[]>} */
export async function allWorkloads() {
  const folders = readdirSync(join(benchDirectory, "workloads"))
    .filter((folder) => existsSync(join(benchDirectory, "workloads", folder, "workload.mjs")))
    .sort((a, b) => order.indexOf(a) - order.indexOf(b));
  const lists = await Promise.all(
    folders.map(async (folder) => {
      const url = new URL(`../workloads/${folder}/workload.mjs`, import.meta.url);
      const { workloads } = /** @type {{ workloads: Workload[] }} */ (await import(url.href));
      return workloads.map((workload) => ({ ...workload, folder }));
    }),
  );
  return lists.flat();
}

/** @param {string} folder @param {string} peer @returns {string | undefined} */
function programOf(folder, peer) {
  const file = peers[peer]?.file;
  if (file === undefined) return undefined;
  const path =
    peer === "limit"
      ? join(benchDirectory, "limit", `${folder}.cpp`)
      : join(benchDirectory, "workloads", folder, file);
  return existsSync(path) ? path : undefined;
}

/**
 * @param {Workload & { folder: string }} workload
 * @param {{ scale: Scale, inputs: readonly string[], scratch: string, peerNames: readonly string[] }} options
 * @returns {Way[]} Bicoastal's first.
 */
export function waysOf(workload, { scale, inputs, scratch, peerNames }) {
  if (workload.ways !== undefined)
    return workload
      .ways({ scale, inputs, scratch })
      .filter(
        ({ name }) => name.startsWith("bicoastal") || peers[name] === undefined || peerNames.includes(name),
      );
  const memory = workload.memory?.(scale);
  const writes = workload.result === "files" || workload.result === "lines";
  const env = (/** @type {number} */ threads) => ({
    BENCH_THREADS: String(threads),
    BENCH_SCRATCH: scratch,
    ...(workload.case === undefined ? {} : { BENCH_CASE: workload.case }),
    ...(memory === undefined ? {} : { BENCH_MEMORY: memory }),
    PYTHONPATH: join(benchDirectory, "start"),
    PYTHONDONTWRITEBYTECODE: "1",
  });
  const flags = workload.params?.flatMap((param, i) => [`--${param}`, inputs[i] ?? ""]);
  /** @param {Ours} ours @param {number} threads @returns {Way} */
  const bicoastal = (ours, threads) => ({
    name: `bicoastal${ours.name === "" ? "" : `-${ours.name}`}${threads === 1 ? "-1-thread" : ""}`,
    title: `Bicoastal${ours.title === "" ? "" : `, ${ours.title}`}${threads === 1 ? ", 1 thread" : ""}`,
    command: (out) => [
      process.execPath,
      ...[join(root, "dist", "bin.js"), "run", join(benchDirectory, "workloads", workload.folder, ours.job)],
      ...(flags ?? inputs.flatMap((input) => ["--input", input])),
      ...(writes ? ["--out", join(out, "rows")] : []),
      ...["--json", "--quiet", "--threads", String(threads)],
      ...(memory === undefined ? [] : ["--memory", memory]),
    ],
  });
  const theirs = peerNames.flatMap((name) => {
    const peer = peers[name];
    const program = programOf(workload.folder, name);
    if (peer === undefined || program === undefined) return [];
    if (workload.peers !== undefined && !workload.peers.includes(name)) return [];
    const threads = peer.how === "one thread" ? 1 : 2;
    const command = peer.command(program);
    return [
      {
        name,
        title: peer.title,
        env: env(threads),
        command: (/** @type {string} */ out) => [...command, out, ...inputs],
      },
    ];
  });
  return [
    ...workload.ours.map((ours) => bicoastal(ours, 2)),
    ...workload.ours.map((ours) => bicoastal(ours, 1)),
    ...theirs,
  ];
}
