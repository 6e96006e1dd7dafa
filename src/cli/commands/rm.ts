import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { withJob } from "../input/known-jobs.ts";
import { RM_OPTIONS } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { EXIT } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { rmHelp } from "../show/help-pages.ts";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const { id, options: given } = readIdCommandLine(tokens, RM_OPTIONS);
  const options = await withSettings(given, RM_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(rmHelp, io.stdout));
    return EXIT.ok;
  }
  if (id === undefined) throw new BicoastalError("USAGE", "Which job? bicoastal rm ID; see bicoastal jobs.");
  return await withJob(id, options, { io, dependencies }, async (session, job) => {
    await session.remove(job);
    await io.stderr.write(`removed ${escapeText(job)}\n`);
    return EXIT.ok;
  });
};
