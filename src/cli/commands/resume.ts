import { BicoastalError } from "../../base/errors.ts";
import type { Command } from "../dependencies.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { withJob } from "../input/known-jobs.ts";
import { RESUME_OPTIONS } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { EXIT } from "../io.ts";
import { renderHelp } from "../show/help.ts";
import { resumeHelp } from "../show/help-pages.ts";
import { runToEnd, tellDetached } from "./outcome.ts";

export const command: Command = async (context) => {
  const { io } = context;
  const { id, options: given } = readIdCommandLine(context.tokens, RESUME_OPTIONS);
  const options = await withSettings(given, RESUME_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(resumeHelp, io.stdout));
    return EXIT.ok;
  }
  if (id === undefined)
    throw new BicoastalError("USAGE", "Which job? bicoastal resume ID; see bicoastal jobs.");
  return await withJob(id, options, context, async (session, job) => {
    if (options.has("detach")) return await tellDetached(await session.reopen(job), options, io);
    return await runToEnd(context, options, (runOptions) => session.resume(job, runOptions), job);
  });
};
