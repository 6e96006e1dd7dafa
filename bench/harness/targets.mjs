// The aims of the project, as ratios in one run on two threads, and whether they are reached.
import { ratioOf, secondsOf } from "./figures.mjs";
import { spreadText, table } from "./report.mjs";

/** @typedef {import("./report.mjs").WorkloadResult} WorkloadResult */

/**
 * @typedef {object} Target
 * @property {string} workload
 * @property {string} [ours] Name of Bicoastal's way.
 * @property {string} peer Name of the way to compare with.
 * @property {"faster" | "slower"} than `faster`: at least so many times as fast as the peer. `slower`: at most so many
 *   times the peer's time.
 * @property {number} times
 */

/** @param {string} workload @param {string} peer @param {number} times @param {string} [ours] @returns {Target} */
const faster = (workload, peer, times, ours) => ({
  workload,
  peer,
  times,
  than: "faster",
  ...(ours === undefined ? {} : { ours }),
});

/** @param {string} workload @param {string} peer @param {number} times @param {string} [ours] @returns {Target} */
const slower = (workload, peer, times, ours) => ({ ...faster(workload, peer, times, ours), than: "slower" });

const grouped = ["groupby-jsonl", "groupby-jsonl-few", "groupby-csv", "groupby-csv-few"];

/** @type {Target[]} */
const targets = [
  faster("wordcount", "duckdb", 1.8, "bicoastal-lambda"),
  faster("wordcount", "dask", 3.5, "bicoastal-lambda"),
  faster("wordcount", "pyspark", 3.5, "bicoastal-lambda"),
  faster("wordcount", "threads", 0.95, "bicoastal-lambda"),
  slower("wordcount", "limit", 1.5, "bicoastal-words"),
  faster("wordcount", "duckdb", 10, "bicoastal-words"),
  ...grouped.flatMap((name) => [
    slower(name, "duckdb", name.includes("jsonl") ? 1.3 : 1.5, "bicoastal-lambda"),
    ...["polars", "dask", "pyspark", "ray"].map((peer) => faster(name, peer, 1, "bicoastal-lambda")),
  ]),
  slower("groupby-csv", "duckdb", 1, "bicoastal-declared"),
  slower("groupby-csv-few", "duckdb", 1, "bicoastal-declared"),
  faster("sort", "gnu", 5),
  faster("sort", "duckdb", 3),
  faster("sort-spill", "gnu", 3),
  ...["inverted-index", "join-small", "join-large"].flatMap((name) =>
    ["dask", "pyspark", "threads"].map((peer) => faster(name, peer, 1)),
  ),
  slower("join-small", "duckdb", 2),
  slower("join-large", "duckdb", 2),
];

const threadsTimes = 1.8;
const startupMsMax = 120;
const tasksPerSecondMin = 100_000;

/** @param {readonly WorkloadResult[]} workloads @param {Target} target @returns {string[] | undefined} */
function targetRow(workloads, { workload, ours, peer, than, times }) {
  const results = workloads.find(({ name }) => name === workload)?.results;
  const mine = ours === undefined ? results?.[0] : results?.find(({ name }) => name === ours);
  const their = results?.find(({ name }) => name === peer);
  if (mine === undefined || their === undefined) return undefined;
  const ratio = than === "faster" ? ratioOf(their, mine) : ratioOf(mine, their);
  if (ratio === undefined) return undefined;
  const reached = than === "faster" ? ratio.median >= times : ratio.median <= times;
  return [
    `${workload}: ${mine.title}`,
    than === "faster" ? `${times}× as fast as ${their.title}` : `${times}× the time of ${their.title}`,
    spreadText(ratio),
    reached ? "yes" : "no",
  ];
}

/** Two threads against one, for each of Bicoastal's ways. @param {readonly WorkloadResult[]} workloads */
const threadRows = (workloads) =>
  workloads.flatMap(({ name: workload, results }) =>
    results.flatMap((one) => {
      const two = results.find(({ name }) => `${name}-1-thread` === one.name);
      const ratio = two === undefined ? undefined : ratioOf(one, two);
      if (two === undefined || ratio === undefined) return [];
      const reached = ratio.median >= threadsTimes ? "yes" : "no";
      return [
        [`${workload}: ${two.title}`, `${threadsTimes}× as fast as 1 thread`, spreadText(ratio), reached],
      ];
    }),
  );

/** @param {readonly WorkloadResult[]} workloads */
function startupRows(workloads) {
  const results = workloads.find(({ name }) => name === "startup")?.results;
  const mine = results?.[0] && secondsOf(results[0]);
  const bare = results?.find(({ name }) => name === "bare-node");
  const bareSeconds = bare && secondsOf(bare);
  if (!mine || !bareSeconds) return [];
  const overMs = (mine.median - bareSeconds.median) * 1000;
  const reached = overMs <= startupMsMax ? "yes" : "no";
  return [
    [
      "startup: word count of 1 MB",
      `${startupMsMax} ms over a bare node -e 0`,
      `${overMs.toFixed(0)} ms`,
      reached,
    ],
  ];
}

/**
 * In the driver's own thread, as the aim says, and in threads, which is how jobs run.
 *
 * @param {readonly WorkloadResult[]} workloads
 */
function taskRows(workloads) {
  const results = workloads.find(({ name }) => name === "tasks")?.results;
  const ways = [
    ["bicoastal-debug", "tasks: empty, in process"],
    ["bicoastal", "tasks: empty, in 2 threads"],
  ];
  return ways.flatMap(([way, what = ""]) => {
    const mine = results?.find(({ name }) => name === way);
    const seconds = mine && secondsOf(mine);
    if (!seconds) return [];
    const perSecond = 1 / seconds.median;
    const reached = perSecond >= tasksPerSecondMin ? "yes" : "no";
    return [[what, `${tasksPerSecondMin} a second`, perSecond.toFixed(0), reached]];
  });
}

/** @param {readonly WorkloadResult[]} workloads @returns {string | undefined} Undefined where none was measured. */
export function targetsTable(workloads) {
  const rows = [
    ...targets.flatMap((target) => {
      const row = targetRow(workloads, target);
      return row === undefined ? [] : [row];
    }),
    ...threadRows(workloads),
    ...startupRows(workloads),
    ...taskRows(workloads),
  ];
  return rows.length === 0 ? undefined : table(["what", "aim: at least", "measured", "reached"], rows);
}
