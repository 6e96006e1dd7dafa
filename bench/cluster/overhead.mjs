// What it costs to be a cluster: two nodes of one thread against one process of two threads, on the same machine.
import { linkSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { dataFiles } from "../harness/data.mjs";
import { digits, spreadOf } from "../harness/figures.mjs";
import { benchDirectory } from "../harness/peers.mjs";
import { spreadText, table } from "../harness/report.mjs";
import { BenchCluster, runCommand, runOnce } from "./processes.mjs";

/** @typedef {import("./figures.mjs").Context} Context */
/** @typedef {{ seconds: number, cpuSeconds: number, etcdSeconds: number }} Cost */
/** @typedef {{ alone: Cost, cluster: Cost }} Pair */
/** @typedef {{ name: string, title: string, job: string, inputs: readonly string[], writes: boolean }} Kind */

const nodes = 2;
const overheadMax = 0.1;
const memory = "600MB";

/** The files under so many names each: read as often. @param {readonly string[]} files @param {string} directory @param {number} times */
function linked(files, directory, times) {
  mkdirSync(directory, { recursive: true });
  return Array.from({ length: times }, (_, i) => i).flatMap((i) =>
    files.map((file) => {
      const path = join(directory, `${i}-${basename(file)}`);
      linkSync(file, path);
      return path;
    }),
  );
}

/** @param {Kind} kind @param {string} out */
const flagsOf = ({ inputs, writes }, out) => [
  ...inputs.flatMap((input) => ["--input", input]),
  ...(writes ? ["--out", out] : []),
];

/** @param {Context} context @param {BenchCluster} cluster @param {Kind} kind @returns {Promise<Cost & { stdout: string }>} */
async function onCluster({ etcd }, cluster, kind) {
  const out = join(cluster.directory, "out");
  const before = { nodes: cluster.cpuSeconds(), etcd: etcd.cpuSeconds() };
  const run = await runOnce(runCommand(kind.job, [...flagsOf(kind, out), "--store", cluster.store]), {
    cwd: cluster.directory,
    env: { BICOASTAL_DATA_DIR: join(cluster.directory, "client") },
  });
  rmSync(out, { recursive: true, force: true });
  return {
    ...run,
    cpuSeconds: run.cpuSeconds + cluster.cpuSeconds() - before.nodes,
    etcdSeconds: etcd.cpuSeconds() - before.etcd,
  };
}

/** @param {string} directory @param {Kind} kind @returns {Promise<Cost & { stdout: string }>} */
async function alone(directory, kind) {
  const out = join(directory, "out");
  const own = ["--threads", String(nodes), "--memory", memory, "--data-dir", join(directory, "jobs")];
  try {
    const run = await runOnce(runCommand(kind.job, [...flagsOf(kind, out), ...own]), { cwd: directory });
    return { ...run, etcdSeconds: 0 };
  } finally {
    rmSync(out, { recursive: true, force: true });
    rmSync(join(directory, "jobs"), { recursive: true, force: true });
  }
}

/** What a job gave, without where it wrote it. @param {string} stdout @param {Kind} kind */
const given = (stdout, { writes }) => (writes ? "" : stdout);

/** @param {Context} context @param {BenchCluster} cluster @param {Kind} kind */
async function pairs(context, cluster, kind) {
  const directory = join(context.room, "overhead-alone");
  mkdirSync(directory, { recursive: true });
  /** @type {Pair[]} */
  const list = [];
  for (let round = 0; round < context.rounds; round++) {
    const first = round % 2 === 0;
    const before = first ? await alone(directory, kind) : undefined;
    const cost = await onCluster(context, cluster, kind);
    const one = before ?? (await alone(directory, kind));
    context.say(
      `overhead, ${kind.title}: ${digits(one.seconds)} s alone, ${digits(cost.seconds)} s as a cluster`,
    );
    if (given(one.stdout, kind) !== given(cost.stdout, kind))
      throw new Error(`${kind.title}: the cluster gave something else than one process`);
    list.push({ alone: one, cluster: cost });
  }
  return list;
}

/** @param {Context} context @returns {Promise<import("./figures.mjs").Figure>} */
async function run(context) {
  const { scale, etcd, room, data } = context;
  const text = dataFiles(data, { kind: "text", size: scale.overheadMb, files: 8 });
  // Beside the data, as names of a file are on one file system.
  const links = join(data, `passes-${process.pid}`);
  const job = (/** @type {string} */ name) => join(benchDirectory, "workloads", name, "bicoastal.ts");
  /** @type {Kind[]} */
  const kinds = [
    {
      name: "wordcount",
      title: "word count",
      job: job("wordcount"),
      inputs: linked(text, links, scale.overheadPasses),
      writes: false,
    },
    {
      name: "sort",
      title: "sort",
      job: job("sort"),
      inputs: dataFiles(data, { kind: "records", size: scale.sortMb }),
      writes: true,
    },
  ];
  const store = `${etcd.url}/overhead`;
  const directory = join(room, "overhead");
  const cluster = await BenchCluster.start({ store, directory, nodes, leaseMs: scale.leaseMs });
  try {
    const rows = [];
    const aims = [];
    /** @type {Record<string, Pair[]>} */
    const figures = {};
    for (const kind of kinds) {
      const list = await pairs(context, cluster, kind);
      figures[kind.name] = list;
      const of = (/** @type {(pair: Pair) => number} */ value) => spreadOf(list.map(value));
      const wall = of((pair) => pair.cluster.seconds / pair.alone.seconds);
      const cpu = of((pair) => pair.cluster.cpuSeconds / pair.alone.cpuSeconds);
      rows.push(
        [
          `${kind.title}, one process of ${nodes} threads`,
          spreadText(of((pair) => pair.alone.seconds)),
          "–",
          spreadText(of((pair) => pair.alone.cpuSeconds)),
          "–",
          "–",
        ],
        [
          `${kind.title}, ${nodes} nodes of one thread`,
          spreadText(of((pair) => pair.cluster.seconds)),
          spreadText(wall),
          spreadText(of((pair) => pair.cluster.cpuSeconds)),
          spreadText(cpu),
          spreadText(of((pair) => pair.cluster.etcdSeconds)),
        ],
      );
      for (const [what, spread] of /** @type {const} */ ([
        ["time", wall],
        ["CPU", cpu],
      ]))
        aims.push({
          what: `overhead: ${kind.title}, ${what} of two nodes against one process`,
          aim: `at most ${overheadMax * 100} % more`,
          measured: `${spreadText(spread)}×`,
          reached: spread.median <= 1 + overheadMax,
        });
    }
    return {
      table: table(["way", "seconds", "×", "CPU s", "× CPU", "CPU s of etcd"], rows),
      aims,
      figures,
    };
  } finally {
    await cluster.stop();
    rmSync(links, { recursive: true, force: true });
  }
}

export const overhead = {
  name: "overhead",
  title: "Two nodes on one machine, and one process",
  about: () =>
    "The same job by one process of two threads, and by two nodes of one thread that were there before. CPU is that of all nodes and of the command; etcd's own stands beside it.",
  run,
};
