/** What the progress display says at one moment: pure text, made anew for every frame. */
import type { Progress } from "../../runtime/events.ts";
import { escapeText } from "./escape.ts";
import { counted, formatBytes, formatCount, formatDuration, groupDigits } from "./quantity.ts";
import { displayWidth, truncateToWidth } from "./width.ts";

const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const BAR_CELLS = 20;
/** Below this width the bar gives its room to words. */
const BAR_COLUMNS_MIN = 70;
const GAP = "  ";

export interface FrameOptions {
  /** Width of the terminal. */
  readonly columns: number;
  /** Number of frames drawn so far: turns the spinner. */
  readonly tick: number;
  readonly stopping: boolean;
}

/** Two lines that fit the width. */
export function progressFrame(progress: Progress, options: FrameOptions): string[] {
  // The last cell stays free: some terminals wrap as soon as it is filled.
  const width = Math.max(1, options.columns - 1);
  const spinner = SPINNER[options.tick % SPINNER.length] ?? "";
  const tasks = `${groupDigits(progress.tasksDone)}/${groupDigits(progress.tasksTotal)} tasks`;
  const head = [`${spinner} ${tasks}`];
  if (options.columns >= BAR_COLUMNS_MIN) head.push(bar(progress));
  head.push(options.stopping ? "stopping…" : escapeText(progress.stage));
  const below = GAP + joinToWidth(figures(progress), Math.max(1, width - GAP.length));
  return [joinToWidth(head, width), truncateToWidth(below, width)];
}

/** One line for logs: everything, however long. */
export function progressLine(progress: Progress): string {
  const tasks = `${groupDigits(progress.tasksDone)} of ${counted(progress.tasksTotal, "task")}`;
  const parts = [tasks, ...figures(progress)];
  return `[${formatDuration(progress.elapsedMs)}] ${escapeText(progress.stage)}: ${parts.join(", ")}`;
}

function figures(progress: Progress): string[] {
  const parts = [counted(progress.rows, "row")];
  if (progress.bytesTotal > 0)
    parts.push(`${formatBytes(progress.bytes)} of ${formatBytes(progress.bytesTotal)}`);
  if (progress.bytesPerSecond > 0) parts.push(`${formatBytes(progress.bytesPerSecond)}/s`);
  else if (progress.rowsPerSecond > 0) parts.push(`${formatCount(progress.rowsPerSecond)} rows/s`);
  if (progress.etaMs !== undefined) parts.push(`ETA ${formatDuration(progress.etaMs)}`);
  return parts;
}

function bar(progress: Progress): string {
  const share = progress.tasksTotal > 0 ? Math.min(1, progress.tasksDone / progress.tasksTotal) : 0;
  const full = Math.floor(share * BAR_CELLS);
  // Rounded down: 100% is said only when all is done.
  return `${"█".repeat(full)}${"░".repeat(BAR_CELLS - full)} ${String(Math.floor(share * 100)).padStart(3)}%`;
}

/** As many parts as fit, the first one always, cut if it must be. */
function joinToWidth(parts: readonly string[], width: number): string {
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : line + GAP + part;
    if (displayWidth(longer) > width) {
      const room = width - displayWidth(line) - GAP.length;
      if (line === "") return truncateToWidth(part, width);
      // A label may be cut, a figure not: half a number says something wrong.
      return /\d/.test(part) || room < 8 ? line : line + GAP + truncateToWidth(part, room);
    }
    line = longer;
  }
  return line;
}
