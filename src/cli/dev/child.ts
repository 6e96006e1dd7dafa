/** A child process by its lines, which this process must outlive no other way than by the child's own notice. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Lines of stderr that are kept, to say what went wrong. */
const LAST_LINES = 20;

export interface ChildOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** How it notices that this process is gone: a channel that it listens to, or its input that ends. */
  readonly tie: "channel" | "input";
  readonly onOutput: (line: string) => void;
  readonly onError?: (line: string) => void;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #lastLines: string[] = [];
  /** Resolves when it has ended and all that it said was heard; with what happened, in words. */
  readonly ended: Promise<string>;
  #running = true;

  /** In a session of its own: Ctrl-C reaches this process alone, which then ends its children in their order. */
  constructor({ command: [program = "", ...args], env = process.env, tie, onOutput, onError }: ChildOptions) {
    const input = tie === "input" ? "pipe" : "ignore";
    this.#process = spawn(program, args, {
      detached: true,
      env,
      stdio: tie === "channel" ? [input, "pipe", "pipe", "ipc"] : [input, "pipe", "pipe"],
    });
    this.ended = new Promise((resolve) => {
      this.#process.once("error", (error) => {
        this.#running = false;
        resolve(error.message);
      });
      this.#process.once("exit", () => {
        this.#running = false;
        this.#process.stdin?.end();
      });
      this.#process.once("close", (code, signal) => resolve(signal === null ? `code ${code}` : signal));
    });
    // A pipe to a process that has just ended; that it did is told above.
    this.#process.stdin?.on("error", () => {});
    if (this.#process.stdout !== null) createInterface({ input: this.#process.stdout }).on("line", onOutput);
    if (this.#process.stderr !== null)
      createInterface({ input: this.#process.stderr }).on("line", (line) => {
        this.#lastLines.push(line);
        if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
        onError?.(line);
      });
  }

  /** Of the child itself. */
  get pid(): number | undefined {
    return this.#process.pid;
  }
  get running(): boolean {
    return this.#running;
  }
  /** The last that it said on stderr. */
  get lastWords(): string {
    return this.#lastLines.join("\n");
  }

  /** Asks it to end, and ends it where it has not within this time. */
  async end(waitMs: number): Promise<void> {
    if (!this.#running) return;
    this.#process.stdin?.end();
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), waitMs);
    await this.ended;
    clearTimeout(timer);
  }
}
