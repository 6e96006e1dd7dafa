// What it costs to lose nodes in mid-job: one of eight for good, and the one that drives, which is started again at once.
//
// Where tasks compute, eight nodes of one thread share the few cores of this machine: with a node no core is lost, so all
// that may be seen is the lease and what has to be done again. Where tasks wait, each node stands for a core of its own,
// and with it goes its share of the speed.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { dataFiles } from "../harness/data.mjs";
import { digits, spreadOf } from "../harness/figures.mjs";
import { benchDirectory } from "../harness/peers.mjs";
import { spreadText, table } from "../harness/report.mjs";
import { BenchCluster, runCommand, runOnce, until } from "./processes.mjs";

/** @typedef {import("./figures.mjs").Context} Context */
/** @typedef {{ name: string, title: string, job: string, flags: string[], share: number }} Kind */
/** @typedef {{ undisturbed: number, disturbed: number }} Pair Seconds. */

/** How much of the job is done when the worker goes, and when the driver does. */
const workerGoesAt = 0.3;
const driverGoesAt = 0.6;
const runMsMax = 1_800_000;

/** @param {BenchCluster} cluster Part of the tasks done, as its drivers told. */
function progressOf({ nodes }) {
  const told = nodes.flatMap(({ lines }) => lines).filter(({ event }) => event?.kind === "progress");
  return Math.max(
    0,
    ...told.map(({ event }) => (event?.progress ? event.progress.tasksDone / event.progress.tasksTotal : 0)),
  );
}

/**
 * Kills the two, as far as the job has come; gives the worker, which stays away.
 * @param {BenchCluster} cluster @param {() => boolean} isOver
 */
async function disturb(cluster, isOver) {
  const reaches = async (/** @type {number} */ part) => {
    await until("tasks are done", () => isOver() || progressOf(cluster) >= part, runMsMax);
    if (isOver()) throw new Error("The job was over before it was disturbed: it needs more to do");
  };
  await reaches(workerGoesAt);
  const first = await cluster.driver();
  const worker = /** @type {import("./processes.mjs").BenchNode} */ (
    cluster.nodes.find((node) => node !== first && node.running)
  );
  await worker.kill();
  await reaches(driverGoesAt);
  const driver = await cluster.driver();
  await driver.kill();
  await driver.start();
  return worker;
}

/** @param {BenchCluster} cluster @param {Kind} kind @param {boolean} disturbed */
async function runSeconds(cluster, kind, disturbed) {
  for (const node of cluster.nodes) node.lines = [];
  let isOver = false;
  const running = runOnce(runCommand(kind.job, [...kind.flags, "--store", cluster.store]), {
    cwd: cluster.directory,
    env: { BICOASTAL_DATA_DIR: join(cluster.directory, "client") },
  }).finally(() => {
    isOver = true;
  });
  const [{ seconds, stdout }, lost] = await Promise.all([
    running,
    disturbed ? disturb(cluster, () => isOver) : undefined,
  ]);
  await lost?.start();
  return { seconds, stdout };
}

/** @param {Context} context @param {Kind} kind */
async function pairs({ scale, rounds, etcd, room, say }, kind) {
  const cluster = await BenchCluster.start({
    store: `${etcd.url}/losses-${kind.name}`,
    directory: join(room, `losses-${kind.name}`),
    nodes: scale.nodes,
    leaseMs: scale.leaseMs,
  });
  try {
    /** @type {Pair[]} */
    const list = [];
    for (let round = 0; round < rounds; round++) {
      /** @type {Record<string, { seconds: number, stdout: string }>} */
      const runs = {};
      for (const way of round % 2 === 0 ? ["undisturbed", "disturbed"] : ["disturbed", "undisturbed"]) {
        const run = await runSeconds(cluster, kind, way === "disturbed");
        runs[way] = run;
        say(`losses, ${kind.title}, ${way}: ${digits(run.seconds)} s`);
      }
      const { undisturbed, disturbed } = runs;
      if (undisturbed === undefined || disturbed === undefined) throw new Error("Both ways were run.");
      if (undisturbed.stdout !== disturbed.stdout)
        throw new Error(`${kind.title}: the disturbed run gave something else than the undisturbed one`);
      list.push({ undisturbed: undisturbed.seconds, disturbed: disturbed.seconds });
    }
    return list;
  } finally {
    await cluster.stop();
  }
}

/** @param {Context} context @returns {Promise<import("./figures.mjs").Figure>} */
async function run(context) {
  const { scale, data, room } = context;
  const share = 1 / scale.nodes;
  mkdirSync(room, { recursive: true });
  const text = dataFiles(data, { kind: "text", size: scale.lossesMb, files: 8 });
  /** @type {Kind[]} */
  const kinds = [
    {
      name: "waiting",
      title: "tasks that wait",
      job: join(benchDirectory, "cluster", "waiting.ts"),
      flags: ["--tasks", String(scale.waitingTasks), "--wait-ms", String(scale.waitMs)],
      share,
    },
    {
      name: "counting",
      title: "tasks that compute",
      job: join(benchDirectory, "workloads", "wordcount", "bicoastal.ts"),
      flags: text.flatMap((file) => ["--input", file]),
      share: 0,
    },
  ];
  const leaseSeconds = scale.leaseMs / 1000;
  const rows = [];
  const aims = [];
  /** @type {Record<string, Pair[]>} */
  const figures = {};
  for (const kind of kinds) {
    const list = await pairs(context, kind);
    figures[kind.name] = list;
    const of = (/** @type {(pair: Pair) => number} */ value) => spreadOf(list.map(value));
    const allowed = (/** @type {Pair} */ pair) => pair.undisturbed * kind.share + leaseSeconds;
    const used = of((pair) => (pair.disturbed - pair.undisturbed) / allowed(pair));
    rows.push([
      kind.title,
      spreadText(of((pair) => pair.undisturbed)),
      spreadText(of((pair) => pair.disturbed)),
      spreadText(of((pair) => pair.disturbed - pair.undisturbed)),
      `${(kind.share * 100).toFixed(1)} %`,
      spreadText(of(allowed)),
    ]);
    aims.push({
      what: `losses: ${kind.title}, a worker of ${scale.nodes} for good and the driver once`,
      aim: "at most the lost share of the cores and a lease more",
      measured: `${spreadText(used)} of that`,
      reached: used.median <= 1,
    });
  }
  const shown = table(
    ["job", "undisturbed, s", "with losses, s", "more, s", "cores lost", "allowed more, s"],
    rows,
  );
  return { table: shown, aims, figures };
}

export const losses = {
  name: "losses",
  title: "Nodes lost in mid-job",
  about: (/** @type {import("./scales.mjs").ClusterScale} */ { nodes, leaseMs }) =>
    `${nodes} nodes of one thread; lease ${leaseMs / 1000} s. One worker is killed at ${workerGoesAt * 100} % and stays away, the driver at ${driverGoesAt * 100} %, and is started again. Tasks that wait stand for cores: each node has one of its own. Tasks that compute share the cores of this machine, of which none is lost.`,
  run,
};
