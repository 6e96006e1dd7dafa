import type { JobState, JobSummary } from "../../api/session.ts";
import type { Command } from "../dependencies.ts";
import { readOptionsOnly } from "../input/id-command-line.ts";
import { knownJobs } from "../input/known-jobs.ts";
import { JOBS_OPTIONS } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import type { Look } from "../io.ts";
import { type CliIo, EXIT } from "../io.ts";
import type { Cell } from "../show/cell.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { jobsHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";
import { formatAgo, formatDuration, groupDigits } from "../show/quantity.ts";
import { renderCells } from "../show/table.ts";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const options = await withSettings(readOptionsOnly(tokens, JOBS_OPTIONS), JOBS_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(jobsHelp, io.stdout));
    return EXIT.ok;
  }
  const jobs = await knownJobs(options, { io, dependencies });
  if (options.has("json")) {
    for (const job of jobs) await io.stdout.write(`${toJsonLine(job, `Job ${job.job}`)}\n`);
  } else if (jobs.length === 0) {
    await io.stderr.write("no jobs yet: bicoastal run FILE starts one\n");
  } else await io.stdout.write(`${jobsTable(jobs, io).join("\n")}\n`);
  return EXIT.ok;
};

export const STATE_LOOKS: Readonly<Record<JobState, Look>> = {
  running: "cyan",
  interrupted: "yellow",
  succeeded: "green",
  failed: "red",
  cancelled: "yellow",
};

function jobsTable(jobs: readonly JobSummary[], io: CliIo): string[] {
  const nowMs = io.clock.wallMs();
  const rows = jobs.map((job): Cell[] => [
    left(job.job),
    left(job.state),
    right(`${groupDigits(job.tasksDone)}/${groupDigits(job.tasksTotal)}`),
    right(formatAgo(job.submittedAtMs, nowMs)),
    right(job.endedAtMs === undefined ? "" : formatDuration(job.endedAtMs - job.submittedAtMs)),
  ]);
  return renderCells(["job", "state", "tasks", "submitted", "took"], rows, {
    columns: io.stdout.columns,
    dim: (text) => io.stdout.style("dim", text),
  });
}

const left = (text: string): Cell => ({ text: escapeText(text), align: "left" });
const right = (text: string): Cell => ({ text, align: "right" });
