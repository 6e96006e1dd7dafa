import type { JobDetails } from "../../api/session.ts";
import { BicoastalError, fromErrorInfo } from "../../base/errors.ts";
import type { Command, CommandContext } from "../dependencies.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { withJob } from "../input/known-jobs.ts";
import { JOBS_OPTIONS, namedDataDir } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { EXIT } from "../io.ts";
import { type Cell, cellOf } from "../show/cell.ts";
import { errorLines, resumeHint } from "../show/error.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { jobHelpPage } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";
import { counterLines } from "../show/outcome.ts";
import { formatAgo, formatDate, formatDuration, groupDigits } from "../show/quantity.ts";
import { renderCells } from "../show/table.ts";
import { STATE_LOOKS } from "./jobs.ts";
import { errorContext } from "./outcome.ts";

export const command: Command = async (context) => {
  const { io } = context;
  const { id, options: given } = readIdCommandLine(context.tokens, JOBS_OPTIONS);
  const options = await withSettings(given, JOBS_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(jobHelpPage, io.stdout));
    return EXIT.ok;
  }
  if (id === undefined) throw new BicoastalError("USAGE", "Which job? bicoastal job ID; see bicoastal jobs.");
  return await withJob(id, options, context, async (session, job) => {
    const details = await session.job(job);
    const lines = options.has("json")
      ? [toJsonLine(details, `Job ${details.job}`)]
      : detailLines(details, context, {
          dataDir: namedDataDir(options, io.env),
          store: options.get("store"),
        });
    await io.stdout.write(`${lines.join("\n")}\n`);
    return EXIT.ok;
  });
};

function detailLines(
  details: JobDetails,
  context: CommandContext,
  where: Parameters<typeof resumeHint>[1],
): string[] {
  const { stdout } = context.io;
  const lines = [
    `${stdout.style("bold", escapeText(details.job))}  ${stdout.style(STATE_LOOKS[details.state], details.state)}`,
    ...factLines(details, context.io.clock.wallMs()),
    "",
    ...stageLines(details, stdout.columns),
  ];
  const counters = counterLines(details.counters, stdout);
  if (counters.length > 0) lines.push("", ...counters);
  if (details.error !== undefined) {
    const style = stdout.style.bind(stdout);
    const error = fromErrorInfo(details.error);
    // Where no stack was kept, that of this very process says nothing.
    if (details.error.stack === undefined) error.stack = "";
    lines.push("", ...errorLines(error, { ...errorContext(context), style }));
  }
  if (details.state !== "running" && details.state !== "succeeded")
    lines.push("", resumeHint(details.job, where));
  return lines;
}

function factLines(details: JobDetails, nowMs: number): string[] {
  const { submittedAtMs, endedAtMs, epochs } = details;
  const date = formatDate(submittedAtMs);
  const ago = formatAgo(submittedAtMs, nowMs);
  const facts: [string, string][] = [["submitted", ago === date ? date : `${date} (${ago})`]];
  if (endedAtMs !== undefined) facts.push(["took", formatDuration(endedAtMs - submittedAtMs)]);
  facts.push(["tasks", `${groupDigits(details.tasksDone)} of ${groupDigits(details.tasksTotal)} done`]);
  if (epochs > 1) facts.push(["started", `${groupDigits(epochs)} times`]);
  if (details.setAside.length > 0)
    facts.push([
      "set aside",
      `${details.setAside.map(escapeText).join(", ")}: tasks failed there that others did`,
    ]);
  facts.push(["params", cellOf(details.params).text]);
  return facts.map(([name, text]) => `${name.padEnd(10)} ${text}`);
}

function stageLines(details: JobDetails, columns: number | undefined): string[] {
  const rows = details.stages.map((stage, index): Cell[] => [
    { text: String(index), align: "right" },
    { text: `${groupDigits(stage.tasksDone)}/${groupDigits(stage.tasks)}`, align: "right" },
    { text: escapeText(stage.label), align: "left" },
  ]);
  return renderCells(["stage", "tasks", "work"], rows, { columns });
}
