// `npm run bench:cluster`: what a cluster costs, and what it costs to lose parts of it, with real nodes and a real etcd on
// this machine. Progress goes to stderr, results to stdout; the exit code is 1 where something failed or gave another
// result than it should. Whatever was started ends with this process, however that ends.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { ensureEtcd } from "../../scripts/etcd-server.mjs";
import { build, ensureInstalled } from "../../scripts/tools.mjs";
import { writeBetween } from "../harness/docs.mjs";
import { benchDirectory } from "../harness/peers.mjs";
import { machineText, table } from "../harness/report.mjs";
import { figureMakers } from "./figures.mjs";
import { readOptions } from "./options.mjs";
import { Etcd, endAll } from "./processes.mjs";

/** @typedef {{ name: string, text: string, figure: import("./figures.mjs").Figure | undefined, failure: string | undefined }} Made */

const mark = "bench:cluster";
const etcdMembers = 3;

/**
 * @param {import("./figures.mjs").FigureMaker} maker
 * @param {Omit<import("./figures.mjs").Context, "etcd">} context
 * @returns {Promise<Made>}
 */
async function make({ name, title, about, run }, context) {
  const head = `### ${title}\n\n${about(context.scale)}\n\n`;
  // Its own for each figure: none pays for what another has left.
  const etcd = await Etcd.start(join(context.room, `etcd-${name}`), etcdMembers);
  try {
    const figure = await run({ ...context, etcd });
    return { name, text: head + figure.table, figure, failure: undefined };
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    console.error(`${name}: FAILED: ${failure}`);
    return { name, text: `${head}Failed: ${failure.split("\n")[0]}`, figure: undefined, failure };
  } finally {
    await etcd.stop();
  }
}

/** @param {readonly Made[]} made */
function aimsTable(made) {
  const rows = made
    .flatMap(({ figure }) => figure?.aims ?? [])
    .map(({ what, aim, measured, reached }) => [what, aim, measured, reached ? "yes" : "no"]);
  return table(["what", "aim", "measured", "reached"], rows);
}

async function main() {
  const options = readOptions(process.argv.slice(2));
  const { only, scaleName, scale, rounds, data, json, writeDocs, build: builds } = options;
  if (!ensureInstalled() || (builds && !(await build()))) process.exit(1);
  const lacksEtcd = ensureEtcd();
  if (lacksEtcd !== undefined) {
    console.error(`Nothing can be measured without etcd: ${lacksEtcd}`);
    process.exit(1);
  }
  mkdirSync(options.room, { recursive: true });
  const room = mkdtempSync(join(resolve(options.room), "bicoastal-bench-cluster-"));
  // The processes themselves hang on this one, and go when it does.
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => process.exit(1));
  process.on("exit", () => {
    endAll();
    rmSync(room, { recursive: true, force: true, maxRetries: 5 });
  });
  const directory = resolve(data ?? join(benchDirectory, ".data"));
  mkdirSync(directory, { recursive: true });
  const machine = `${machineText(scaleName, rounds, [])} etcd of ${etcdMembers} members on the same machine.`;
  if (!json) console.log(`${machine}\n`);
  /** @type {Made[]} */
  const made = [];
  for (const maker of figureMakers.filter(({ name }) => only.includes(name))) {
    const say = (/** @type {string} */ line) => console.error(line);
    made.push(await make(maker, { scale, rounds, room, data: directory, say }));
    if (!json) console.log(`${made.at(-1)?.text}\n`);
  }
  const leftOut = figureMakers.filter(({ name }) => !only.includes(name)).map(({ name }) => name);
  const aims = aimsTable(made);
  if (json)
    console.log(
      JSON.stringify({
        machine,
        leftOut,
        figures: made.map(({ name, figure, failure }) => ({ name, failure, ...figure, table: undefined })),
      }),
    );
  else console.log(`### Aims of a cluster\n\n${aims}\n`);
  if (leftOut.length > 0) console.error(`Left out: ${leftOut.join(", ")}.`);
  // Each figure by itself: what was left out now keeps what stands there.
  if (writeDocs)
    for (const it of made)
      writeBetween(mark, [it.text, machine, ...(it.figure === undefined ? [] : [aimsTable([it])])], it.name);
  process.exitCode = made.every(({ failure }) => failure === undefined) ? 0 : 1;
}

await main();
