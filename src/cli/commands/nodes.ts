import type { ListedNode } from "../../api/compose-store.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { readOptionsOnly } from "../input/id-command-line.ts";
import { NODES_OPTIONS, readStore } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { type CliIo, EXIT } from "../io.ts";
import type { Cell } from "../show/cell.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { nodesHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";
import { formatAgo } from "../show/quantity.ts";
import { renderCells } from "../show/table.ts";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const options = await withSettings(readOptionsOnly(tokens, NODES_OPTIONS), NODES_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(nodesHelp, io.stdout));
    return EXIT.ok;
  }
  const store = options.get("store");
  if (store === undefined)
    throw new BicoastalError("USAGE", "Which cluster? bicoastal nodes --store etcd://HOST:2379", {
      details: { option: "store" },
    });
  const nodes = await dependencies.listNodes(readStore(store));
  if (options.has("json")) {
    for (const node of nodes) await io.stdout.write(`${toJsonLine(node, `Node ${node.node}`)}\n`);
  } else if (nodes.length === 0) {
    await io.stderr.write("no nodes: bicoastal node --store STORE starts one\n");
  } else await io.stdout.write(`${[...nodesTable(nodes, io), ...asideLines(nodes, io)].join("\n")}\n`);
  return EXIT.ok;
};

function nodesTable(nodes: readonly ListedNode[], io: CliIo): string[] {
  const nowMs = io.clock.wallMs();
  const rows = nodes.map((node): Cell[] => [
    left(node.node),
    left(node.state),
    left(node.region),
    left(node.domain),
    right(String(node.slots)),
    left(node.address ?? ""),
    left(node.version),
    right(formatAgo(node.startedAtMs, nowMs)),
  ]);
  const names = ["node", "state", "region", "domain", "slots", "address", "version", "started"];
  return renderCells(names, rows, {
    columns: io.stdout.columns,
    dim: (text) => io.stdout.style("dim", text),
  });
}

/** Below the table: there are seldom any. */
function asideLines(nodes: readonly ListedNode[], io: CliIo): string[] {
  const warning = io.stdout.style("yellow", "set aside");
  return nodes
    .filter(({ setAsideBy }) => setAsideBy.length > 0)
    .map(({ node, setAsideBy }) => {
      const jobs = setAsideBy.map(escapeText).join(", ");
      return `${warning} ${escapeText(node)} gets nothing new of ${jobs}: tasks failed there that others did`;
    });
}

const left = (text: string): Cell => ({ text: escapeText(text), align: "left" });
const right = (text: string): Cell => ({ text, align: "right" });
