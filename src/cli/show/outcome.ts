/** What a job gave, for people (tables and a summary) and for machines (a JSON line a row). */
import type { EndOutcome, JobOutcome } from "../../api/session.ts";
import type { Output } from "../io.ts";
import { cellOf } from "./cell.ts";
import { escapeText } from "./escape.ts";
import { toJsonLine } from "./json.ts";
import { counted, formatBytes, formatCount, formatDuration, groupDigits } from "./quantity.ts";
import { renderCells, renderTable } from "./table.ts";

/** Rows of one end shown to people. */
export const ROWS_SHOWN_MAX = 50;
/** Counters shown to people. */
const COUNTERS_SHOWN_MAX = 50;
/** Text gathered before it goes to the stream in one piece. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Tables and values on stdout. */
export async function printForPeople(outcome: JobOutcome, stdout: Output): Promise<void> {
  const lines: string[] = [];
  for (const end of outcome.ends) {
    if (outcome.shape === "record") {
      if (lines.length > 0) lines.push("");
      lines.push(stdout.style("bold", escapeText(end.name)));
    }
    lines.push(...endLines(end, stdout));
  }
  if (lines.length > 0) await stdout.write(`${lines.join("\n")}\n`);
}

function endLines(end: EndOutcome, stdout: Output): string[] {
  const dim = (text: string): string => stdout.style("dim", text);
  switch (end.kind) {
    case "rows":
      if (end.rows.length === 0) return [dim("no rows")];
      return renderTable(end.rows, { columns: stdout.columns, rowsMax: ROWS_SHOWN_MAX, dim });
    case "value":
      if (end.value === undefined) return [dim("no value")];
      return [cellOf(end.value).text];
    case "written": {
      const size = `${counted(end.files, "file")}, ${formatBytes(end.bytes)}, ${counted(end.rows, "row")}`;
      return [`wrote ${size} to ${escapeText(end.directory)}`];
    }
  }
}

/**
 * A line a row. Of a single end the rows themselves, its value, or what it wrote; of several ends objects that
 * name theirs: `{"end":"byWord","row":…}`, `{"end":"total","value":…}`, `{"end":"files","written":{…}}`.
 */
export async function printForMachines(outcome: JobOutcome, stdout: Output): Promise<void> {
  let chunk = "";
  for (const end of outcome.ends) {
    for (const line of jsonLines(end, outcome.shape === "record")) {
      chunk += `${line}\n`;
      if (chunk.length < CHUNK_CHARACTERS) continue;
      await stdout.write(chunk);
      chunk = "";
      if (stdout.closed) return;
    }
  }
  if (chunk !== "") await stdout.write(chunk);
}

function* jsonLines(end: EndOutcome, named: boolean): Generator<string> {
  const wrap = (kind: string, value: unknown): unknown => (named ? { end: end.name, [kind]: value } : value);
  switch (end.kind) {
    case "rows":
      for (const [index, row] of end.rows.entries()) {
        yield toJsonLine(wrap("row", row), `Row ${index + 1} of end "${end.name}"`);
      }
      return;
    case "value":
      yield toJsonLine(wrap("value", end.value), `The value of end "${end.name}"`);
      return;
    case "written": {
      const { directory, files, bytes, rows } = end;
      yield toJsonLine(wrap("written", { directory, files, bytes, rows }), `What end "${end.name}" wrote`);
    }
  }
}

/** The closing lines on stderr: counters as a small table, then one line of totals. */
export function summaryLines(outcome: JobOutcome, stderr: Output): string[] {
  const seconds = outcome.elapsedMs / 1000;
  const facts = [`${counted(outcome.rows, "row")}`, formatBytes(outcome.bytes)];
  const resumed = outcome.tasksResumed > 0 ? ` (${groupDigits(outcome.tasksResumed)} done before)` : "";
  facts.push(`${counted(outcome.tasks, "task")}${resumed}`, formatDuration(outcome.elapsedMs));
  // A rate over tasks that an earlier run did would be a lie; over next to no time, a guess.
  if (outcome.tasksResumed === 0 && seconds >= 0.1) {
    facts.push(`${formatCount(outcome.rows / seconds)} rows/s`);
    if (outcome.bytes > 0) facts.push(`${formatBytes(outcome.bytes / seconds)}/s`);
  }
  const done = stderr.style("green", "done");
  return [...counterLines(outcome.counters, stderr), `${done} ${outcome.job}: ${facts.join(", ")}`];
}

export function counterLines(counters: Readonly<Record<string, number>>, output: Output): string[] {
  const names = Object.keys(counters).sort();
  if (names.length === 0) return [];
  const shown = names.slice(0, COUNTERS_SHOWN_MAX);
  const rows = shown.map((name) => [cellOf(name), cellOf(counters[name])]);
  const dim = (text: string): string => output.style("dim", text);
  const lines = renderCells(["counter", "value"], rows, { columns: output.columns, dim });
  if (names.length > shown.length)
    lines.push(dim(`… and ${counted(names.length - shown.length, "counter")} more`));
  return lines;
}
