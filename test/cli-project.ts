/** A user's directory of job files for tests of the command, with a data directory that outlives one command. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { binPath, type CliResult, runNode, temporaryDirectory } from "./cli-process.ts";

export class CliProject {
  readonly directory = temporaryDirectory();
  readonly #env = { BICOASTAL_DATA_DIR: join(this.directory, ".data") };

  /** Writes files, by path from the directory. */
  write(files: Readonly<Record<string, string>>): this {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.directory, path)), { recursive: true });
      writeFileSync(join(this.directory, path), text);
    }
    return this;
  }

  run(...args: readonly string[]): Promise<CliResult> {
    return runNode([binPath, ...args], { cwd: this.directory, env: this.#env });
  }

  /** Starts the command and leaves it running. */
  start(...args: readonly string[]): RunningCli {
    return this.startWith({}, ...args);
  }

  startWith(env: Readonly<Record<string, string>>, ...args: readonly string[]): RunningCli {
    const child = spawn(process.execPath, [binPath, ...args], {
      cwd: this.directory,
      env: { ...process.env, NO_COLOR: "1", ...this.#env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return new RunningCli(child);
  }
}

export class RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult & { readonly signal: string | null }>;
  #stdout = "";
  #stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve) => {
      child.on("close", (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Waits until stderr shows this; fails, with all that was said, where the command ends before. */
  async says(pattern: RegExp): Promise<void> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    while (!pattern.test(this.#stderr)) {
      if (over) throw new Error(`It ended without saying ${pattern}:\n${this.#stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
