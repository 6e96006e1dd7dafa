/** The real process behind `CliIo`. */
import { fstatSync, writeSync } from "node:fs";
import { WriteStream } from "node:tty";
import { styleText } from "node:util";
import type { CliIo, Look, Output, StopSignal } from "./io.ts";

const SIGNALS: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

export function processIo(): CliIo {
  return {
    stdout: new StreamOutput(process.stdout, 1),
    stderr: new StreamOutput(process.stderr, 2),
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
    onParentGone(callback) {
      if (process.connected) process.once("disconnect", callback);
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

/** What a write fails with when nobody reads any more: after `| head`, or when the terminal went. */
const CODES_OF_NO_READER: ReadonlySet<string | undefined> = new Set(["EPIPE", "EIO"]);

class StreamOutput implements Output {
  readonly #stream: NodeJS.WriteStream;
  /** The stream's own, whatever user code puts in its place. */
  readonly #writeStream: NodeJS.WriteStream["write"];
  /** Of a regular file. Node's stream drops what a full disk leaves of a write. */
  readonly #file: number | undefined;
  readonly #colours: boolean;
  #closed = false;
  #failure: Error | undefined;

  constructor(stream: NodeJS.WriteStream, descriptor: number) {
    this.#stream = stream;
    this.#writeStream = stream.write.bind(stream);
    this.#file = isFile(descriptor) ? descriptor : undefined;
    this.#colours = wantsColours(stream);
    stream.on("error", (error) => this.#fail(error));
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true && process.env.TERM !== "dumb";
  }

  get columns(): number | undefined {
    // A terminal that does not know its width says 0.
    return this.isTerminal ? this.#stream.columns || undefined : undefined;
  }

  get closed(): boolean {
    return this.#closed || this.#stream.destroyed;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  write(text: string): Promise<void> {
    if (this.closed) return Promise.resolve();
    if (this.#file !== undefined) {
      this.#writeFile(this.#file, text);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#writeStream(text, (error) => {
        if (error) this.#fail(error);
        resolve();
      });
    });
  }

  #writeFile(descriptor: number, text: string): void {
    const bytes = Buffer.from(text);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: NodeJS.ErrnoException): void {
    this.#closed = true;
    if (!CODES_OF_NO_READER.has(error.code)) this.#failure ??= error;
  }

  style(look: Look, text: string): string {
    // Decided here for each stream: left to itself, `styleText` asks stdout, also about what goes to stderr.
    return this.#colours ? styleText(look, text, { validateStream: false }) : text;
  }
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch {
    return false;
  }
}

/** NO_COLOR and FORCE_COLOR are read as Node's own `getColorDepth` reads them; FORCE_COLOR wins, also in a pipe. */
function wantsColours(stream: NodeJS.WriteStream): boolean {
  const force = process.env.FORCE_COLOR;
  if (force !== undefined) return force !== "0" && force !== "false";
  if (process.env.NO_COLOR !== undefined && process.env.NO_COLOR !== "") return false;
  return stream instanceof WriteStream && stream.hasColors();
}
