/**
 * Processes that end with this one, however that ends: beside each stands a shell that waits for its own input to end, and
 * kills it then, by its process id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The first line of output is the shell's own. The file to be run must end as it was begun: no shell in between. */
const SCRIPT = `
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

export interface TiedOptions {
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onOutput?: (line: string) => void;
  readonly onError?: (line: string) => void;
}

export class TiedProcess {
  readonly pid: number;
  /** How it ended, once all that it said was heard: its exit code, or 128 and the signal's number. */
  readonly ended: Promise<number>;
  #running = true;
  readonly #shell: ChildProcess;

  private constructor(shell: ChildProcess, pid: number, ended: Promise<number>) {
    this.#shell = shell;
    this.pid = pid;
    this.ended = ended;
    shell.once("exit", () => {
      this.#running = false;
      // What waits for the input beside the shell ends with it.
      shell.stdin?.end();
    });
  }

  static async start({ command, cwd, env, onOutput, onError }: TiedOptions): Promise<TiedProcess> {
    const shell = spawn("sh", ["-c", SCRIPT, "sh", ...command], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const ended = once(shell, "close").then(([code]) => code as number);
    createInterface({ input: shell.stderr }).on("line", (line) => onError?.(line));
    const pid = await new Promise<number>((resolve) => {
      let isFirst = true;
      createInterface({ input: shell.stdout }).on("line", (line) => {
        if (!isFirst) return onOutput?.(line);
        isFirst = false;
        resolve(Number(line.slice("pid ".length)));
      });
    });
    return new TiedProcess(shell, pid, ended);
  }

  get running(): boolean {
    return this.#running;
  }

  signal(name: NodeJS.Signals): void {
    if (this.#running) process.kill(this.pid, name);
  }

  /** kill -9; also of one that is frozen. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    this.#shell.stdin?.end();
    await this.ended;
  }
}
