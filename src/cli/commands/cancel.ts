import type { JobState } from "../../api/session.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { withJob } from "../input/known-jobs.ts";
import { CANCEL_OPTIONS } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { EXIT } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { cancelHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";

const REASON = "bicoastal cancel";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const { id, options: given } = readIdCommandLine(tokens, CANCEL_OPTIONS);
  const options = await withSettings(given, CANCEL_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(cancelHelp, io.stdout));
    return EXIT.ok;
  }
  if (id === undefined)
    throw new BicoastalError("USAGE", "Which job? bicoastal cancel ID; see bicoastal jobs.");
  return await withJob(id, options, { io, dependencies }, async (session, job) => {
    const state = await session.cancel(job, { reason: REASON });
    if (options.has("json")) await io.stdout.write(`${toJsonLine({ job, state }, `Job ${job}`)}\n`);
    else await io.stderr.write(`${escapeText(job)}: ${SAID[state]}\n`);
    return EXIT.ok;
  });
};

const SAID: Readonly<Record<JobState, string>> = {
  cancelled: "stopped",
  succeeded: "had succeeded already",
  failed: "had failed already",
  running: "was asked to stop, and has not done so yet",
  interrupted: "runs nowhere now; a node that takes it up will stop it",
};
