// How long a job stands still when the node that drives it is killed: until another one drives, until a worker has begun a
// task that the new driver gave it, and until that task is done.
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digits, spreadOf } from "../harness/figures.mjs";
import { benchDirectory } from "../harness/peers.mjs";
import { spreadText, table } from "../harness/report.mjs";
import { BenchCluster, nowMs, pause, runCommand, runOnce, until } from "./processes.mjs";

/** @typedef {import("./figures.mjs").Context} Context */
/** @typedef {{ drivingMs: number, orderMs: number, completionMs: number }} Takeover Since the kill. */

const nodes = 4;
const waitMs = 50;
/** More than can be done meanwhile. */
const tasks = 60_000;
const leaseTimesMax = 1.5;
/** Kills fall on every part of the time between two renewals of the lease. */
const phases = 0.38;

/** @param {string} stamps File. @param {string} what @param {number} afterMs */
function firstStamp(stamps, what, afterMs) {
  const times = readFileSync(stamps, "utf8")
    .split("\n")
    .filter((line) => line.startsWith(`${what} `))
    .map((line) => Number(line.slice(what.length + 1)))
    .filter((ms) => ms > afterMs);
  return times.length === 0 ? undefined : Math.min(...times);
}

/** @param {BenchCluster} cluster @param {string} stamps @param {number} leaseMs @returns {Promise<Takeover>} */
async function takeover(cluster, stamps, leaseMs) {
  const driver = await cluster.driver();
  const msMax = 10 * leaseMs + 60_000;
  const killedMs = nowMs();
  await driver.kill();
  await until("another node drives", () => cluster.nodes.some((node) => node.drives), msMax);
  const next = await cluster.driver();
  const drivingMs = next.lines.findLast(({ kind }) => kind === "driving")?.heardMs ?? Number.NaN;
  // What begins from now on was ordered by the new driver: the old one's orders have long arrived.
  const began = () => firstStamp(stamps, "begin", drivingMs);
  await until("a task begins", () => began() !== undefined, msMax);
  const orderMs = began() ?? Number.NaN;
  // Tasks take equally long, and what was under way before has ended within that time.
  const ended = () => firstStamp(stamps, "end", orderMs + waitMs);
  await until("a task is done", () => ended() !== undefined, msMax);
  const completionMs = ended() ?? Number.NaN;
  await driver.start();
  return {
    drivingMs: drivingMs - killedMs,
    orderMs: orderMs - killedMs,
    completionMs: completionMs - killedMs,
  };
}

/** @param {Context} context @returns {Promise<import("./figures.mjs").Figure>} */
async function run({ scale, etcd, room, say }) {
  const { leaseMs } = scale;
  const directory = join(room, "takeover");
  mkdirSync(directory, { recursive: true });
  const store = `${etcd.url}/takeover`;
  const cluster = await BenchCluster.start({ store, directory, nodes, leaseMs });
  const stamps = join(directory, "stamps");
  try {
    const flags = ["--tasks", String(tasks), "--wait-ms", String(waitMs), "--stamps", stamps];
    const job = join(benchDirectory, "cluster", "waiting.ts");
    await runOnce(runCommand(job, [...flags, "--detach", "--store", store]), {
      cwd: directory,
      env: { BICOASTAL_DATA_DIR: join(directory, "client") },
    });
    /** @type {Takeover[]} */
    const list = [];
    for (let i = 0; i < scale.takeovers; i++) {
      await cluster.driver();
      await pause(leaseMs * (0.5 + ((i * phases) % 1)));
      const one = await takeover(cluster, stamps, leaseMs);
      list.push(one);
      say(
        `takeover: ordered after ${digits(one.orderMs / 1000)} s, done after ${digits(one.completionMs / 1000)} s`,
      );
    }
    const row = (/** @type {string} */ title, /** @type {(one: Takeover) => number} */ of) => [
      title,
      spreadText(spreadOf(list.map((one) => of(one) / 1000))),
      spreadText(spreadOf(list.map((one) => of(one) / leaseMs))),
    ];
    const leases = spreadOf(list.map(({ orderMs }) => orderMs / leaseMs));
    return {
      table: table(
        ["from the kill", "seconds", "leases"],
        [
          row("until another node drives", ({ drivingMs }) => drivingMs),
          row("until the first task begins", ({ orderMs }) => orderMs),
          row("until the first task is done", ({ completionMs }) => completionMs),
        ],
      ),
      aims: [
        {
          what: "takeover: from the kill of the driver to the next one's first order",
          aim: `at most ${leaseTimesMax} leases, the worst of ${list.length} too`,
          measured: spreadText(leases),
          reached: leases.max <= leaseTimesMax,
        },
      ],
      figures: { takeovers: list },
    };
  } finally {
    await cluster.stop();
  }
}

export const takeovers = {
  name: "takeover",
  title: "Another node takes the driving over",
  about: (/** @type {import("./scales.mjs").ClusterScale} */ { leaseMs, takeovers: count }) =>
    `${nodes} nodes, lease ${leaseMs / 1000} s, the driver killed ${count === 1 ? "once" : `${count} times`} at different times after it last renewed its lease; tasks of ${waitMs} ms. Median, least and greatest.`,
  run,
};
