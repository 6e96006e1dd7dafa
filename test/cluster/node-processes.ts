/**
 * A cluster of real processes on this machine, for tests: `bicoastal node`, each with a data directory of its own. What is
 * started here is killed here, by its process id, and nothing else is.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { binPath, type CliResult, runNode } from "../cli-process.ts";

/** Short, so that a loss is noticed soon; long enough for a machine that is busy. */
const LEASE = "4s";

/** A line that a node says with `--json`. */
export interface NodeLine {
  readonly kind: string;
  readonly job?: string;
  readonly node?: string;
  readonly event?: { readonly kind: string; readonly progress?: { readonly tasksDone: number } };
}

export class NodeProcess {
  readonly name: string;
  readonly lines: NodeLine[] = [];
  stderr = "";
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #waiting: (() => void)[] = [];

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    this.#ended = once(child, "close");
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    createInterface({ input: child.stdout! }).on("line", (line) => {
      this.lines.push(JSON.parse(line) as NodeLine);
      this.#wake();
    });
    void this.#ended.then(() => this.#wake());
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the node has said so. */
  async said(what: (line: NodeLine) => boolean): Promise<void> {
    while (!this.lines.some(what)) {
      if (!this.running) throw new Error(`${this.name} has ended:\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async signal(name: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    if (!this.running) return;
    process.kill(this.#child.pid!, name);
    if (name === "SIGKILL" || name === "SIGTERM") await this.#ended;
  }
}

export class NodeProcesses {
  readonly #store: string;
  readonly #room = mkdtempSync(join(tmpdir(), "bicoastal-cluster-"));
  readonly nodes: NodeProcess[] = [];

  /** @param store `etcd://…`; undefined: a directory that all share. */
  constructor(store: string | undefined) {
    this.#store = store ?? join(this.#room, "store");
    onTestFinished(async () => {
      await Promise.all(this.nodes.map((node) => node.signal("SIGKILL")));
      rmSync(this.#room, { recursive: true, force: true, maxRetries: 5 });
    });
  }

  path(name: string): string {
    return join(this.#room, name);
  }

  /** Resolves when the node belongs to the cluster. One that was killed finds its data again under its name. */
  async start(name: string): Promise<NodeProcess> {
    const args = ["node", "--store", this.#store, "--name", name, "--region", name, "--threads", "1"];
    const more = ["--memory", "300MB", "--lease", LEASE, "--json", "--data-dir", this.path(`data-${name}`)];
    const child = spawn(process.execPath, [binPath, ...args, ...more], { stdio: ["ignore", "pipe", "pipe"] });
    const node = new NodeProcess(name, child);
    this.nodes.push(node);
    await node.said(({ kind }) => kind === "joined");
    return node;
  }

  /** A command of somebody who is no node. */
  command(command: string, ...args: readonly string[]): Promise<CliResult> {
    return runNode([binPath, command, ...args, "--store", this.#store], {
      cwd: this.#room,
      env: { BICOASTAL_DATA_DIR: this.path("client") },
    });
  }

  /** The same without the cluster. */
  alone(command: string, ...args: readonly string[]): Promise<CliResult> {
    return runNode([binPath, command, ...args], {
      cwd: this.#room,
      env: { BICOASTAL_DATA_DIR: this.path("alone") },
    });
  }

  /** Resolves with the node that drives, once so many tasks of the job are done. */
  async driver(tasksDone: number): Promise<NodeProcess> {
    const isFar = ({ event }: NodeLine): boolean =>
      event?.kind === "progress" && (event.progress?.tasksDone ?? 0) >= tasksDone;
    return Promise.any(
      this.nodes.filter(({ running }) => running).map((node) => node.said(isFar).then(() => node)),
    );
  }

  /** A job of two shuffles whose tasks take a while. */
  writeJob(): string {
    const file = this.path("job.ts");
    writeFileSync(this.path("package.json"), '{"type":"module"}');
    writeFileSync(
      file,
      `import { job, read } from "bicoastal";
const work = (n: number): number => {
  let x = n;
  for (let i = 0; i < 1_200; i++) x = (x * 1103515245 + 12345) % 2147483648;
  return x % 1000;
};
export default job({
  name: "steps",
  run: () =>
    read
      .range(0, 400_000, { partitions: 40 })
      .map(work)
      .countBy((n) => n)
      .map(([n, count]): [number, number] => [n % 100, count])
      .reduceByKey((a, b) => a + b, { partitions: 8 })
      .sortBy(([n]) => n),
});
`,
    );
    return file;
  }
}
