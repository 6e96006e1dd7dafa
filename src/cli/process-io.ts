/** The real process behind `CliIo`. */
import { writeSync } from "node:fs";
import { WriteStream } from "node:tty";
import { styleText } from "node:util";
import type { CliIo, Look, Output, StopSignal } from "./io.ts";

const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

export function processIo(): CliIo {
  return {
    stdout: new StreamOutput(process.stdout),
    stderr: new StreamOutput(process.stderr),
    env: process.env,
    cwd: process.cwd(),
    clock: {
      monotonicMs: () => performance.now(),
      wallMs: () => Date.now(),
      setTimer(delayMs, callback) {
        const timer = setTimeout(callback, delayMs);
        timer.unref();
        return () => clearTimeout(timer);
      },
    },
    onSignal(callback) {
      for (const signal of SIGNALS) process.on(signal, callback);
      return () => {
        for (const signal of SIGNALS) process.off(signal, callback);
      };
    },
    onExit(callback) {
      process.on("exit", callback);
      return () => process.off("exit", callback);
    },
    writeErrSync(text) {
      try {
        writeSync(2, text);
      } catch {
        // Nobody reads it: closed, or a pipe that is full while we are leaving.
      }
    },
    exit: (code) => process.exit(code),
  };
}

class StreamOutput implements Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #colours: boolean;
  #closed = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#colours = wantsColours(stream);
    // Whatever the reason (EPIPE after `| head`, EIO after the terminal went), there is nobody left to tell.
    stream.on("error", () => {
      this.#closed = true;
    });
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true && process.env.TERM !== "dumb";
  }

  get columns(): number | undefined {
    return this.isTerminal ? this.#stream.columns : undefined;
  }

  get closed(): boolean {
    return this.#closed || this.#stream.destroyed;
  }

  write(text: string): Promise<void> {
    if (this.closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.write(text, () => resolve());
    });
  }

  style(look: Look, text: string): string {
    // Decided here for each stream: left to itself, `styleText` asks stdout, also about what goes to stderr.
    return this.#colours ? styleText(look, text, { validateStream: false }) : text;
  }
}

/** NO_COLOR and FORCE_COLOR are read as Node's own `getColorDepth` reads them; FORCE_COLOR wins, also in a pipe. */
function wantsColours(stream: NodeJS.WriteStream): boolean {
  const force = process.env.FORCE_COLOR;
  if (force !== undefined) return force !== "0" && force !== "false";
  if (process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== "") return false;
  return stream instanceof WriteStream && stream.hasColors();
}
