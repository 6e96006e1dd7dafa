// Processes that end with this one, however that ends: beside each stands a shell that waits for its own input to end, and
// kills it then, by its process id.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The first line of output is the shell's own. The file to be run must end as it was begun: no shell in between. */
const script = `
exec 3<&0
"$@" 3<&- </dev/null &
pid=$!
echo "pid $pid"
(cat <&3; kill -9 $pid) >/dev/null 2>&1 &
guard=$!
wait $pid
status=$?
kill $guard 2>/dev/null
exit $status
`;

/**
 * @typedef {object} TiedOptions
 * @property {readonly string[]} command
 * @property {string} [cwd]
 * @property {Readonly<Record<string, string>>} [env]
 * @property {(line: string) => void} [onOutput]
 * @property {(line: string) => void} [onError]
 */

export class TiedProcess {
  #running = true;
  /** @type {import("node:child_process").ChildProcessWithoutNullStreams} */
  #shell;

  /**
   * @private
   * @param {import("node:child_process").ChildProcessWithoutNullStreams} shell
   * @param {number} pid
   * @param {Promise<number>} ended
   */
  constructor(shell, pid, ended) {
    this.#shell = shell;
    this.pid = pid;
    /** How it ended, once all that it said was heard: its exit code, or 128 and the signal's number. */
    this.ended = ended;
    shell.once("exit", () => {
      this.#running = false;
      // What waits for the input beside the shell ends with it.
      shell.stdin.end();
    });
  }

  /** @param {TiedOptions} options */
  static async start({ command, cwd, env, onOutput, onError }) {
    const shell = spawn("sh", ["-c", script, "sh", ...command], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const ended = once(shell, "close").then(([code]) => /** @type {number} */ (code));
    createInterface({ input: shell.stderr }).on("line", (line) => onError?.(line));
    const pid = await new Promise((resolve) => {
      let isFirst = true;
      createInterface({ input: shell.stdout }).on("line", (line) => {
        if (!isFirst) return onOutput?.(line);
        isFirst = false;
        resolve(Number(line.slice("pid ".length)));
      });
    });
    return new TiedProcess(shell, pid, ended);
  }

  get running() {
    return this.#running;
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    if (this.#running) process.kill(this.pid, name);
  }

  /** kill -9; also of one that is frozen. */
  async kill() {
    this.signal("SIGKILL");
    this.#shell.stdin.end();
    await this.ended;
  }
}
