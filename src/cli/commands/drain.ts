import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { DRAIN_OPTIONS, readStore } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { EXIT } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { drainHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const { id: node, options: given } = readIdCommandLine(tokens, DRAIN_OPTIONS);
  const options = await withSettings(given, DRAIN_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(drainHelp, io.stdout));
    return EXIT.ok;
  }
  const store = options.get("store");
  if (node === undefined || node === "" || store === undefined)
    throw new BicoastalError(
      "USAGE",
      "Which node of which cluster? bicoastal drain NODE --store etcd://HOST:2379; see bicoastal nodes.",
    );
  const json = options.has("json");
  await dependencies.drainNode(readStore(store), node, () => {
    if (!json) void io.stderr.write(`${escapeText(node)} drains; waiting until nothing of it is needed\n`);
  });
  if (json) await io.stdout.write(`${toJsonLine({ node, state: "drained" }, `Node ${node}`)}\n`);
  else await io.stderr.write(`${escapeText(node)} is drained and can be stopped\n`);
  return EXIT.ok;
};
