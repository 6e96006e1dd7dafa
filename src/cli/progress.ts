/**
 * Shows a running job on stderr: on a terminal two lines redrawn in place, elsewhere a plain line now and then.
 *
 * Invariants of the terminal display:
 * - the cursor is hidden exactly while frame lines stand on the screen, and shown again however the process ends;
 * - whatever else is to be printed goes through `print`, which takes the frame away first, so that the two
 *   never mix; after `close` nothing of the frame is left.
 */
import { taskKey } from "../base/ids.ts";
import type { Progress, RunEvent } from "../runtime/events.ts";
import type { CliIo } from "./io.ts";
import { escapeText } from "./show/escape.ts";
import { progressFrame, progressLine } from "./show/progress-text.ts";
import { counted, formatDuration } from "./show/quantity.ts";

/** Pause between frames on a terminal. */
export const FRAME_INTERVAL_MS = 100;
/** Longest silence where there is no terminal. */
export const PLAIN_INTERVAL_MS = 10_000;
/** Lines of `ctx.log` and failed tries shown before they are only counted: a job may log a billion times. */
export const MESSAGES_SHOWN_MAX = 1000;

const COLUMNS_DEFAULT = 80;
const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";

export interface ProgressDisplay {
  onEvent(event: RunEvent): void;
  /** Prints lines of another kind to stderr, around the frame. */
  print(lines: readonly string[]): void;
  /** Takes the frame away and brings the cursor back. */
  close(): void;
}

/** `quiet` shows neither progress nor the job's messages; `print` still prints. */
export function progressDisplay(
  io: CliIo,
  options: { readonly quiet: boolean /** Lines only, on a terminal too. */; readonly plain?: boolean },
): ProgressDisplay {
  if (options.quiet) return new PlainDisplay(io, true);
  return io.stderr.isTerminal && options.plain !== true
    ? new TerminalDisplay(io)
    : new PlainDisplay(io, false);
}

class TerminalDisplay implements ProgressDisplay {
  readonly #io: CliIo;
  readonly #messages: Messages;
  readonly #unhookExit: () => void;
  #progress: Progress | undefined;
  #stopping = false;
  #linesDrawn = 0;
  #tick = 0;
  #cancelTimer: (() => void) | undefined;
  #closed = false;

  constructor(io: CliIo) {
    this.#io = io;
    this.#messages = new Messages(io);
    // A second Ctrl-C or a crash leaves no time for `close`.
    this.#unhookExit = io.onExit(() => {
      if (this.#linesDrawn > 0) io.writeErrSync(`\n${SHOW_CURSOR}`);
    });
  }

  onEvent(event: RunEvent): void {
    if (this.#closed) return;
    if (event.kind === "stopping") this.#stopping = true;
    if (event.kind === "progress") {
      this.#progress = event.progress;
      this.#cancelTimer ??= this.#io.clock.setTimer(FRAME_INTERVAL_MS, () => this.#frame());
      return;
    }
    const lines = this.#messages.linesFor(event);
    if (lines.length > 0) this.print(lines);
  }

  print(lines: readonly string[]): void {
    this.#repaint(`${lines.join("\n")}\n`);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelTimer?.();
    this.#progress = undefined;
    const rest = this.#messages.closingLines();
    this.#repaint(rest.map((line) => `${line}\n`).join(""));
    this.#unhookExit();
  }

  #frame(): void {
    if (this.#closed) return;
    this.#tick++;
    this.#repaint("");
    this.#cancelTimer = this.#io.clock.setTimer(FRAME_INTERVAL_MS, () => this.#frame());
  }

  /** Takes the frame away, prints the text in its place, and draws the frame below: in one write, so that nothing flickers. */
  #repaint(text: string): void {
    const hadFrame = this.#linesDrawn > 0;
    const erase = this.#erase();
    const frame = this.#frameText();
    const cursor = hadFrame === (frame !== "") ? "" : hadFrame ? SHOW_CURSOR : HIDE_CURSOR;
    const all = erase + text + cursor + frame;
    if (all !== "") void this.#io.stderr.write(all);
  }

  /** The sequence that removes the frame; the cursor is then where the frame began. */
  #erase(): string {
    if (this.#linesDrawn === 0) return "";
    const up = this.#linesDrawn > 1 ? `\u001b[${this.#linesDrawn - 1}A` : "";
    this.#linesDrawn = 0;
    return `\r${up}\u001b[J`;
  }

  /** The frame without a final line break, so that it never scrolls the screen by one line more than needed. */
  #frameText(): string {
    if (this.#progress === undefined || this.#tick === 0) return "";
    const columns = this.#io.stderr.columns ?? COLUMNS_DEFAULT;
    const [head = "", ...rest] = progressFrame(this.#progress, {
      columns,
      tick: this.#tick,
      stopping: this.#stopping,
    });
    const dim = rest.map((line) => this.#io.stderr.style("dim", line));
    this.#linesDrawn = 1 + dim.length;
    return [head, ...dim].join("\n");
  }
}

class PlainDisplay implements ProgressDisplay {
  readonly #io: CliIo;
  readonly #quiet: boolean;
  readonly #messages: Messages;
  #stage: string | undefined;
  #shownAtMs: number;

  constructor(io: CliIo, quiet: boolean) {
    this.#io = io;
    this.#quiet = quiet;
    this.#messages = new Messages(io);
    this.#shownAtMs = io.clock.monotonicMs();
  }

  onEvent(event: RunEvent): void {
    if (this.#quiet) return;
    if (event.kind === "progress") this.#onProgress(event.progress);
    const lines = this.#messages.linesFor(event);
    if (lines.length > 0) this.print(lines);
  }

  print(lines: readonly string[]): void {
    void this.#io.stderr.write(`${lines.join("\n")}\n`);
  }

  close(): void {
    const rest = this.#messages.closingLines();
    if (rest.length > 0) this.print(rest);
  }

  #onProgress(progress: Progress): void {
    const nowMs = this.#io.clock.monotonicMs();
    const changed = progress.stage !== this.#stage;
    if (!changed && nowMs - this.#shownAtMs < PLAIN_INTERVAL_MS) return;
    this.#stage = progress.stage;
    this.#shownAtMs = nowMs;
    this.print([progressLine(progress)]);
  }
}

/** Events that are worth a line of their own, up to a bound. */
class Messages {
  readonly #io: CliIo;
  #shown = 0;
  #leftOut = 0;

  constructor(io: CliIo) {
    this.#io = io;
  }

  linesFor(event: RunEvent): string[] {
    const lines = eventLines(event, this.#io);
    if (lines.length === 0 || event.kind === "started" || event.kind === "stopping") return lines;
    if (this.#shown >= MESSAGES_SHOWN_MAX) {
      this.#leftOut++;
      return [];
    }
    this.#shown++;
    return lines;
  }

  closingLines(): string[] {
    return this.#leftOut === 0 ? [] : [`… and ${counted(this.#leftOut, "message")} more`];
  }
}

function eventLines(event: RunEvent, io: CliIo): string[] {
  const warning = io.stderr.style("yellow", "warning");
  switch (event.kind) {
    case "progress":
      return [];
    case "started": {
      const tasks = event.stages.reduce((sum, stage) => sum + stage.tasks, 0);
      const size = `${counted(event.stages.length, "stage")}, ${counted(tasks, "task")}`;
      const resumed = event.tasksResumed > 0 ? `, ${counted(event.tasksResumed, "task")} done before` : "";
      return [`job ${escapeText(event.job)}: ${size}${resumed}`];
    }
    case "taskFailed": {
      const where = `stage ${event.stage} task ${event.partition}`;
      const next =
        event.retryInMs === undefined
          ? "giving up"
          : event.retryInMs === 0
            ? "another try runs"
            : `trying again in ${formatDuration(event.retryInMs)}`;
      const message = escapeText(event.error.message.replace(/\s*\n\s*/g, " "));
      return [`${warning} ${where} failed (try ${event.tries} of ${event.triesMax}, ${next}): ${message}`];
    }
    case "outputLost":
      return [
        `${warning} the output of stage ${event.stage} task ${event.partition} was lost and is made again`,
      ];
    case "backupStarted":
      return [
        `stage ${event.stage} task ${event.partition} is late, and runs on ${escapeText(event.node)} too`,
      ];
    case "backupWon":
      return [`stage ${event.stage} task ${event.partition} was done by ${escapeText(event.node)} first`];
    case "nodeSetAside": {
      const forText = formatDuration(event.forMs);
      return [
        `${warning} ${escapeText(event.node)} is set aside for ${forText}: tasks failed there that others did`,
      ];
    }
    case "nodeBack":
      return [`${escapeText(event.node)} is no longer set aside`];
    case "log": {
      const fields = event.fields === undefined ? "" : ` ${escapeText(event.fields)}`;
      const where = io.stderr.style("dim", `[${taskKey(event)}]`);
      return [`${where} ${escapeText(event.message)}${fields}`];
    }
    case "warning":
      return [`${warning} ${escapeText(event.message)}`];
    case "stopping":
      return [`stopping: ${escapeText(event.reason)}`];
  }
}
