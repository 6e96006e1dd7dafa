/** Everything the command line touches of its process, so that tests bring their own. */
import type { Clock } from "../ports/clock.ts";

export interface Output {
  /** Resolves when the stream can take more. Never rejects: a closed stream swallows what it is given. */
  write(text: string): Promise<void>;
  readonly isTerminal: boolean;
  /** Width of the terminal in cells; undefined where there is none. */
  readonly columns: number | undefined;
  /** Whether whoever read it has gone (`| head`). */
  readonly closed: boolean;
  /** Why what was written is lost although somebody wants it (the disk is full); it is then closed as well. */
  readonly failure: Error | undefined;
  /** Colours and weights, where the stream and NO_COLOR / FORCE_COLOR want them; else the text itself. */
  style(look: Look, text: string): string;
}

export type Look = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface CliIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Calls back at each such signal instead of dying of it. Returns a function that ends this. */
  onSignal(callback: (signal: StopSignal) => void): () => void;
  /** Calls back when whoever started this process with a channel to it (as `bicoastal dev` does) is gone. */
  onParentGone(callback: () => void): void;
  /** Calls back, synchronously, when the process ends in whatever way it still notices. Returns a function that ends this. */
  onExit(callback: () => void): () => void;
  /** Writes at once, whatever is still queued, and even while the process is exiting. */
  writeErrSync(text: string): void;
  /** Ends the process now. */
  exit(code: number): void;
}

/** Exit codes, as documented in the help. */
export const EXIT = { ok: 0, failed: 1, usage: 2, signal: 128 } as const;

const SIGNAL_NUMBERS: Readonly<Record<StopSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 };

/** 130 for Ctrl-C, as shells have it. */
export const exitCodeOf = (signal: StopSignal): number => EXIT.signal + SIGNAL_NUMBERS[signal];
