import { consoleToStderr } from "../../adapters/threads/console-to-stderr.ts";
import type { Command } from "../dependencies.ts";
import { readJobCommandLine } from "../input/job-command-line.ts";
import { RUN_OPTIONS, readRunOptions, sessionOptionsOf } from "../input/options.ts";
import { EXIT } from "../io.ts";
import { renderHelp } from "../show/help.ts";
import { jobHelp, runHelp } from "../show/help-pages.ts";
import { runToEnd, tellDetached } from "./outcome.ts";

export const command: Command = async (context) => {
  const { tokens, io, dependencies } = context;
  // The job's module may print while it loads; stdout is for what was asked for.
  consoleToStderr();
  const line = await readJobCommandLine(tokens, "run", RUN_OPTIONS, context);
  if (line === undefined || line.options.has("help")) {
    const page = line === undefined ? runHelp : jobHelp("run", line.file, line.job, RUN_OPTIONS);
    await io.stdout.write(renderHelp(page, io.stdout));
    return EXIT.ok;
  }
  const { job, params, flags, options } = line;
  if (options.has("detach")) {
    const session = await dependencies.connect(sessionOptionsOf(options));
    try {
      const runOptions = { ...readRunOptions(options), flags };
      const id = await session.submit(job, (params ?? {}) as Partial<unknown>, runOptions);
      return await tellDetached(id, options, io);
    } finally {
      await session.close();
    }
  }
  return await runToEnd(context, options, async (runOptions) => {
    const session = await dependencies.connect(sessionOptionsOf(options));
    try {
      return await session.run(job, (params ?? {}) as Partial<unknown>, { ...runOptions, flags });
    } finally {
      await session.close();
    }
  });
};
