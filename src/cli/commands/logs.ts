import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import { isAtLeast, type LogEntry, type LogLevel } from "../../plan/task-logs.ts";
import type { LogItem } from "../../runtime/log/read-logs.ts";
import type { Command } from "../dependencies.ts";
import { readIdCommandLine } from "../input/id-command-line.ts";
import { withJob } from "../input/known-jobs.ts";
import { readLogLevel } from "../input/log-level.ts";
import { type GivenOptions, LOGS_OPTIONS } from "../input/options.ts";
import { withSettings } from "../input/settings.ts";
import { type CliIo, EXIT, type Look, type Output } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { logsHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";

export const command: Command = async ({ tokens, io, dependencies }) => {
  const { id, options: given } = readIdCommandLine(tokens, LOGS_OPTIONS);
  const options = await withSettings(given, LOGS_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(logsHelp, io.stdout));
    return EXIT.ok;
  }
  if (id === undefined) throw new BicoastalError("USAGE", "Whose? bicoastal logs ID; see bicoastal jobs.");
  const isWanted = filterOf(options);
  return await withJob(id, options, { io, dependencies }, async (session, job) => {
    for await (const item of session.logs(job, { follow: options.has("follow") })) {
      if (io.stdout.closed) break;
      if (item.kind !== "line") await tellGap(item, io, options.has("json"));
      else if (isWanted(item.entry))
        await io.stdout.write(
          `${options.has("json") ? toJsonLine(item.entry, "A line") : lineOf(item.entry, io.stdout)}\n`,
        );
    }
    return EXIT.ok;
  });
};

/** Throws USAGE. */
function filterOf(options: GivenOptions): (entry: LogEntry) => boolean {
  const level = options.get("level");
  const least: LogLevel = level === undefined ? "debug" : readLogLevel("level", level);
  const task = options.get("task");
  const attempt = options.get("attempt");
  const wantedTask = task === undefined ? undefined : taskOf(task);
  const wantedAttempt = attempt === undefined ? undefined : attemptOf(attempt);
  return (entry) =>
    isAtLeast(entry.level, least) &&
    (wantedTask === undefined || entry.attempt?.startsWith(`${wantedTask}.`) === true) &&
    (wantedAttempt === undefined ||
      entry.attempt === wantedAttempt ||
      entry.attempt?.endsWith(`.${wantedAttempt}`) === true);
}

/** As `s2.p17`. */
function taskOf(text: string): string {
  const [, stage, partition] = /^(?:s?(\d{1,9})[./]p?(\d{1,9}))$/.exec(text) ?? [];
  if (stage !== undefined && partition !== undefined) return `s${Number(stage)}.p${Number(partition)}`;
  throw wrong("task", text, "a stage and a partition, such as 2/17 or s2.p17");
}

function attemptOf(text: string): string {
  if (/^(?:s\d{1,9}\.p\d{1,9}\.)?e\d{1,15}\.a\d{1,9}$/.test(text)) return text;
  throw wrong("attempt", text, "an attempt as the log names it, such as s2.p17.e1.a0, or e1.a0");
}

const wrong = (option: string, text: string, wanted: string): BicoastalError =>
  new BicoastalError("USAGE", `--${option} is ${showValue(text)}; it takes ${wanted}.`, {
    details: { option, value: text },
  });

const LOOKS: Readonly<Record<LogLevel, Look | undefined>> = {
  debug: "dim",
  info: undefined,
  warn: "yellow",
  error: "red",
};
const LEVEL_WIDTH = 5;

function lineOf({ atMs, level, node, attempt, message, fields, error }: LogEntry, stdout: Output): string {
  const look = LOOKS[level];
  const mark = look === undefined ? level.padEnd(LEVEL_WIDTH) : stdout.style(look, level.padEnd(LEVEL_WIDTH));
  const time = stdout.style("dim", new Date(atMs).toISOString());
  const code = error === undefined ? "" : `${error.code}: `;
  const more = fields === undefined ? "" : ` ${JSON.stringify(fields)}`;
  const who = attempt === undefined ? node : `${node} ${attempt}`;
  return `${time} ${mark} ${escapeText(who)}  ${escapeText(`${code}${message}${more}`)}`;
}

/** On stderr: stdout is for what was said. */
async function tellGap(item: Exclude<LogItem, { kind: "line" }>, io: CliIo, json: boolean): Promise<void> {
  if (json) return io.stderr.write(`${toJsonLine(item, "A gap")}\n`);
  const warning = io.stderr.style("yellow", "missing");
  const node = escapeText(item.node);
  const text =
    item.kind === "dropped"
      ? `the first ${item.lines} ${item.lines === 1 ? "line" : "lines"} of ${node}, which keeps the newest of a job only`
      : `what lies on ${node}: ${escapeText(item.reason)}`;
  await io.stderr.write(`${warning} ${text}\n`);
}
