// How many tasks a second one driver gets through, with its log in etcd: tasks that do nothing.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { digits, spreadOf } from "../harness/figures.mjs";
import { benchDirectory } from "../harness/peers.mjs";
import { spreadText, table } from "../harness/report.mjs";
import { BenchCluster, Etcd, runOnce } from "./processes.mjs";

/** @typedef {import("./figures.mjs").Context} Context */
/** @typedef {{ seconds: number, cpuSeconds: number }} Cost For one task. */

const nodes = 2;
const tasksPerSecondMin = 2000;

/** @param {Context} context @param {Etcd} etcd @returns {Promise<Cost[]>} */
async function costs({ scale, rounds, room, say }, etcd) {
  const name = `tasks-${etcd.members}`;
  const store = `${etcd.url}/${name}`;
  const directory = join(room, name);
  mkdirSync(directory, { recursive: true });
  const cluster = await BenchCluster.start({ store, directory, nodes, leaseMs: scale.leaseMs });
  try {
    /** @type {Cost[]} */
    const list = [];
    for (let round = 0; round < rounds; round++) {
      const before = cluster.cpuSeconds();
      const program = join(benchDirectory, "cluster", "empty-tasks.mjs");
      const { stdout } = await runOnce([program, store, String(scale.emptyTasks)], {
        cwd: directory,
        env: { BICOASTAL_DATA_DIR: join(directory, "client") },
      });
      const { seconds } = JSON.parse(stdout);
      list.push({ seconds, cpuSeconds: (cluster.cpuSeconds() - before) / scale.emptyTasks });
      say(`tasks, etcd of ${etcd.members}: ${(1 / seconds).toFixed(0)} a second`);
    }
    return list;
  } finally {
    await cluster.stop();
  }
}

/** @param {Context} context @returns {Promise<import("./figures.mjs").Figure>} */
async function run(context) {
  const { etcd, room } = context;
  const three = await costs(context, etcd);
  const single = await Etcd.start(join(room, "single"), 1);
  const one = await costs(context, single).finally(() => single.stop());
  const perSecond = (/** @type {Cost[]} */ list) => spreadOf(list.map(({ seconds }) => 1 / seconds));
  const ways = /** @type {const} */ ([
    [`etcd of ${etcd.members}`, three],
    ["etcd of one", one],
  ]);
  return {
    table: table(
      ["log on", "tasks a second", "CPU µs a task, of the nodes"],
      ways.map(([title, list]) => [
        title,
        spreadText(perSecond(list)),
        digits(spreadOf(list.map(({ cpuSeconds }) => cpuSeconds * 1e6)).median),
      ]),
    ),
    aims: ways.map(([title, list]) => ({
      what: `tasks: empty, through one driver, log on ${title}`,
      aim: `at least ${tasksPerSecondMin} a second`,
      measured: spreadText(perSecond(list)),
      reached: perSecond(list).median >= tasksPerSecondMin,
    })),
    figures: { three, one },
  };
}

export const tasks = {
  name: "tasks",
  title: "Empty tasks through one driver",
  about: (/** @type {import("./scales.mjs").ClusterScale} */ { emptyTasks }) =>
    `${nodes} nodes of one thread, ${emptyTasks} tasks less one, all of one job.`,
  run,
};
