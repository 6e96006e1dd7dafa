import { join, resolve } from "node:path";
import { BicoastalError } from "../../base/errors.ts";
import type { NodeNote } from "../../runtime/cluster/cluster-node.ts";
import type { Command } from "../dependencies.ts";
import type { DevSettings } from "../dev/dev-cluster.ts";
import { readOptionsOnly } from "../input/id-command-line.ts";
import { DEV_OPTIONS, dataDirOf, type GivenOptions } from "../input/options.ts";
import { readBytes, readWholeNumber, THREADS_MAX } from "../input/quantities.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { type CliIo, EXIT } from "../io.ts";
import { lineOf } from "../node-says.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { devHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";

const NODES_DEFAULT = 3;
const NODES_MAX = 64;

export const command: Command = async ({ tokens, io, dependencies }) => {
  const options = readOptionsOnly(tokens, DEV_OPTIONS);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(devHelp, io.stdout));
    return EXIT.ok;
  }
  const json = options.has("json");
  const say = (facts: object, line: string | undefined): void => {
    if (json) void io.stdout.write(`${toJsonLine(facts, "What a node says")}\n`);
    else if (line !== undefined) void io.stderr.write(`${line}\n`);
  };
  const settings = settingsOf(options, io);
  const stopped = new Promise<void>((stop) => {
    listenForInterrupt(io, (name) => {
      if (!json) void io.stderr.write(`${name}: stopping all of it\n`);
      stop();
    });
    io.onParentGone(stop);
  });
  const starting = dependencies.startDevCluster({
    ...settings,
    onLine: (node, line) => {
      const note = JSON.parse(line) as NodeNote | TaskLine;
      const said =
        note.kind === "task" ? taskLine(note) : SAID.includes(note.kind) ? lineOf(note) : undefined;
      say({ from: node, ...note }, said === undefined ? undefined : `${escapeText(node)}: ${said}`);
    },
    onEnded: (node, how) =>
      say({ kind: "ended", node, how }, `${escapeText(node)} has ended: ${escapeText(how)}`),
  });
  const cluster = await starting;
  const nodes = cluster.nodes.map(
    ({ name, region, address, pid }) => `  ${name} in ${region} at ${address}, process ${pid}`,
  );
  say(
    { kind: "ready", store: cluster.store, nodes: cluster.nodes },
    `${nodes.join("\n")}\n\n--store ${cluster.store}`,
  );
  const how = await Promise.race([stopped.then(() => "stopped"), cluster.over.then(() => "over")]);
  await cluster.close();
  return how === "stopped" ? EXIT.ok : EXIT.failed;
};

interface TaskLine {
  readonly kind: "task";
  readonly job: string;
  readonly attempt: string;
  readonly msg: string;
}

const taskLine = ({ job, attempt, msg }: TaskLine): string =>
  `${escapeText(job)} ${escapeText(attempt)}: ${escapeText(msg)}`;

/** What of a node is told here: it says more of itself. */
const SAID: readonly string[] = ["driving", "drove", "failed", "event", "draining", "drained"];

function settingsOf(given: GivenOptions, io: CliIo): Omit<DevSettings, "onLine" | "onEnded"> {
  const [nodes, threads, memory] = [given.get("nodes"), given.get("threads"), given.get("memory")];
  const regions = (given.get("regions") ?? "local").split(",");
  if (!regions.every((region) => /^[A-Za-z0-9._-]{1,100}$/.test(region)))
    throw new BicoastalError(
      "USAGE",
      '--regions takes names of letters, digits, ".", "_" and "-", with commas between them.',
      {
        details: { option: "regions" },
      },
    );
  if (new Set(regions).size < regions.length)
    throw new BicoastalError("USAGE", "--regions names one twice.", { details: { option: "regions" } });
  const { dataDir = join(io.env.BICOASTAL_DATA_DIR || ".bicoastal", "dev") } = dataDirOf(given);
  return {
    nodes: nodes === undefined ? NODES_DEFAULT : readWholeNumber("nodes", nodes, { min: 1, max: NODES_MAX }),
    regions,
    threads:
      threads === undefined ? undefined : readWholeNumber("threads", threads, { min: 1, max: THREADS_MAX }),
    memoryBytes: memory === undefined ? undefined : readBytes("memory", memory),
    embedded: given.has("embedded"),
    directory: resolve(io.cwd, dataDir),
  };
}
