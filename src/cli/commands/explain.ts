import { consoleToStderr } from "../../adapters/threads/console-to-stderr.ts";
import { BicoastalError } from "../../base/errors.ts";
import { cutWithoutInputs, type PlanLayout } from "../../runtime/lay-out-plan.ts";
import type { Command } from "../dependencies.ts";
import { readJobCommandLine } from "../input/job-command-line.ts";
import { EXPLAIN_OPTIONS } from "../input/options.ts";
import { EXIT } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { explainHelp, jobHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";
import { describePlan, planLines } from "../show/plan.ts";

/** What may well be unknown when a plan is only looked at. */
const CODES_OF_INPUT: ReadonlySet<string> = new Set(["INPUT_NOT_FOUND", "INPUT_UNREADABLE"]);

export const command: Command = async (context) => {
  const { tokens, io, dependencies } = context;
  // The job's module may print while it loads; stdout is for what was asked for.
  consoleToStderr();
  const line = await readJobCommandLine(tokens, "explain", EXPLAIN_OPTIONS, context);
  if (line === undefined || line.options.has("help")) {
    const page = line === undefined ? explainHelp : jobHelp("explain", line.file, line.job, EXPLAIN_OPTIONS);
    await io.stdout.write(renderHelp(page, io.stdout));
    return EXIT.ok;
  }
  const { job, params, flags, options } = line;
  const plan = job.build(await job.parseParams(params, flags));
  let layout: Partial<Pick<PlanLayout, "stages" | "sizes">> = {};
  try {
    layout = await dependencies.layOutPlan(plan);
  } catch (error) {
    if (!(error instanceof BicoastalError && CODES_OF_INPUT.has(error.code))) throw error;
    await io.stderr.write(`${io.stderr.style("yellow", "tasks unknown")}: ${escapeText(error.message)}\n`);
  }
  const description = describePlan(job.name, plan, layout.stages ?? cutWithoutInputs(plan), layout.sizes);
  const lines = options.has("json")
    ? [toJsonLine(description, "The plan")]
    : planLines(description, io.stdout);
  await io.stdout.write(`${lines.join("\n")}\n`);
  return EXIT.ok;
};
