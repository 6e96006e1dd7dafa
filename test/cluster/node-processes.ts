/**
 * A cluster of real processes on this machine, for tests: `bicoastal node`, each with a data directory of its own. What is
 * started here is killed here, by its process id, and nothing else is; where a test fails, it prints what each had to say.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFailed, onTestFinished } from "vitest";
import { listNodes, openStore } from "../../src/api/compose-store.ts";
import { type JobId, jobId } from "../../src/base/ids.ts";
import { type ControlStore, prefixEnd } from "../../src/ports/control-store.ts";
import { CARD_PREFIX, jobKeys } from "../../src/runtime/job-keys.ts";
import { auditLog, readLog } from "../../src/sim/check/check.ts";
import { binPath, type CliResult, runNode } from "../cli-process.ts";
import { TiedProcess } from "../tied-process.ts";
import { GATES_VARIABLE, type Gate, GatedJob } from "./gated-job.ts";

/** So that a loss is noticed soon. For tests that a lease which ends early, as a node stands still on a busy machine, does no harm. */
export const LEASE_MS = 2_000;
/** For all others: none ends but of a node that is gone. */
export const LONG_LEASE_MS = 20_000;
/** For whatever must happen: far longer than it takes on a busy machine, and shorter than a test may. */
const WAIT_MS_MAX = 300_000;
const POLL_MS = 25;
const LAST_LINES = 15;
const LINE_CHARS_MAX = 600;

/** A line that a node says with `--json`. */
export interface NodeLine {
  readonly kind: string;
  readonly job?: string;
  readonly node?: string;
  readonly outcome?: string;
  /** Of a task that failed. */
  readonly error?: { readonly code: string };
  readonly event?: {
    readonly kind: string;
    readonly progress?: { readonly tasksDone: number; readonly tasksTotal: number };
    readonly error?: { readonly code: string };
  };
}

export interface NodeOptions {
  /** Default: its name. */
  readonly region?: string;
  /** Default: LEASE_MS. */
  readonly leaseMs?: number;
  /** How long it drains when it is told to leave. Default: not at all. */
  readonly drainTimeout?: string;
  /** More arguments of `bicoastal node`. */
  readonly args?: readonly string[];
  /** Of this node, beside that of all. */
  readonly env?: Readonly<Record<string, string>>;
  /** What the process is started by: a command that becomes the one that follows it. */
  readonly within?: readonly string[];
}

export class NodeProcess {
  readonly name: string;
  readonly dataDir: string;
  readonly lines: NodeLine[] = [];
  readonly stderr: string[] = [];
  process!: TiedProcess;

  constructor(name: string, dataDir: string) {
    this.name = name;
    this.dataDir = dataDir;
  }

  get running(): boolean {
    return this.process.running;
  }

  has(kind: string, count = 1): boolean {
    return this.lines.filter((line) => line.kind === kind).length >= count;
  }

  /** SIGTERM; resolves when it has left. */
  async leave(): Promise<void> {
    this.process.signal("SIGTERM");
    await this.process.ended;
  }
  kill(): Promise<void> {
    return this.process.kill();
  }
  freeze(): void {
    this.process.signal("SIGSTOP");
  }
  thaw(): void {
    this.process.signal("SIGCONT");
  }

  /** The blocks on its disk, by path. */
  blocks(): readonly string[] {
    const jobs = join(this.dataDir, "blobs", "jobs");
    return filesUnder(jobs).filter((file) => file.includes("/blocks/") && !file.includes("~"));
  }

  report(): string {
    const state = this.running ? "runs" : "has ended";
    const lines = this.lines.filter(({ event }) => event?.kind !== "progress").slice(-LAST_LINES);
    const said = lines.map((line) => JSON.stringify(line).slice(0, LINE_CHARS_MAX));
    return [`${this.name} ${state}`, ...said, ...this.stderr.slice(-LAST_LINES)].join("\n  ");
  }
}

export interface BegunCommand {
  readonly process: TiedProcess;
  /** On stderr, so far. */
  readonly said: () => string;
  readonly result: Promise<CliResult>;
}

export interface ClusterOptions {
  /** `etcd://…`. Default: a directory that all share. */
  readonly store?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class NodeProcesses {
  readonly store: string;
  readonly room = mkdtempSync(join(tmpdir(), "bicoastal-cluster-"));
  readonly nodes: NodeProcess[] = [];
  readonly job: GatedJob;
  readonly #env: Readonly<Record<string, string>>;
  readonly #commands = new Set<TiedProcess>();
  /** What became of a run that failed: nothing comes any more that waits for it. */
  #failure: { readonly error: unknown } | undefined;

  constructor({ store, env = {} }: ClusterOptions = {}) {
    this.store = store ?? join(this.room, "store");
    this.#env = env;
    this.job = new GatedJob(this.room);
    onTestFailed(() => console.error(this.report()));
    onTestFinished(async () => {
      await Promise.all([
        ...this.nodes.map((node) => node.kill()),
        ...[...this.#commands].map((c) => c.kill()),
      ]);
      rmSync(this.room, { recursive: true, force: true, maxRetries: 5 });
    });
  }

  path(...names: readonly string[]): string {
    return join(this.room, ...names);
  }

  report(): string {
    return this.nodes.map((node) => node.report()).join("\n");
  }

  /** Waits for what must come, however slow the machine is. */
  async until(what: string, happened: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + WAIT_MS_MAX;
    while (!(await happened())) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (performance.now() > endMs) throw new Error(`Waited in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /**
   * Resolves when every node is at the gate, of which none may have passed yet: until the first task of a stage has ended a
   * node takes no second one. Later, those that wait may all be with one of them.
   */
  async allAt(gate: Gate): Promise<void> {
    await this.until(`every node is at the gate ${gate}`, () => {
      return this.job.arrived(gate) >= this.nodes.filter(({ running }) => running).length;
    });
  }

  /** Resolves when the node belongs to the cluster. One that was killed finds its data again under its name. */
  async start(name: string, options: NodeOptions = {}): Promise<NodeProcess> {
    const { region = name, leaseMs = LEASE_MS, drainTimeout = "0s", args = [], within = [], env } = options;
    const node = new NodeProcess(name, this.path(`data-${name}`));
    const own = ["--name", name, "--region", region, "--data-dir", node.dataDir, "--lease", `${leaseMs}ms`];
    const size = ["--threads", "1", "--memory", "300MB", "--drain-timeout", drainTimeout, "--json"];
    node.process = await TiedProcess.start({
      command: [
        ...within,
        ...[process.execPath, binPath, "node", "--store", this.store],
        ...[...own, ...size, ...args],
      ],
      cwd: this.room,
      env: { ...this.#env, ...env, [GATES_VARIABLE]: this.job.gates },
      onOutput: (line) => void node.lines.push(JSON.parse(line) as NodeLine),
      onError: (line) => void node.stderr.push(line),
    });
    this.nodes.push(node);
    await this.until(`${name} joins`, () => {
      if (!node.running) throw new Error(`${name} ended at once`);
      return node.has("joined");
    });
    return node;
  }
  async startAll(...names: readonly string[]): Promise<readonly NodeProcess[]> {
    return Promise.all(names.map((name) => this.start(name)));
  }
  /** With LONG_LEASE_MS. */
  async startLasting(...names: readonly string[]): Promise<readonly NodeProcess[]> {
    return Promise.all(names.map((name) => this.start(name, { leaseMs: LONG_LEASE_MS })));
  }

  /** A command of somebody who is no node. */
  async command(name: string, ...args: readonly string[]): Promise<CliResult> {
    return await (await this.begin(name, ...args)).result;
  }

  /** The same, while it runs. */
  async begin(name: string, ...args: readonly string[]): Promise<BegunCommand> {
    const stdout: string[] = [];
    const stderr: string[] = [];
    const command = await TiedProcess.start({
      command: [process.execPath, binPath, name, ...args, "--store", this.store],
      cwd: this.room,
      env: { ...this.#env, NO_COLOR: "1", BICOASTAL_DATA_DIR: this.path("client") },
      onOutput: (line) => void stdout.push(`${line}\n`),
      onError: (line) => void stderr.push(`${line}\n`),
    });
    this.#commands.add(command);
    const result = command.ended.then((code): CliResult => {
      this.#commands.delete(command);
      return { code, stdout: stdout.join(""), stderr: stderr.join("") };
    });
    return { process: command, said: () => stderr.join(""), result };
  }

  /** Runs the job; resolves, once all gates are open and it has ended, with what it gave. */
  run(): Promise<Output> {
    const output = this.#run();
    // A test that fails before it looks at it says why by itself.
    output.catch((error: unknown) => {
      this.#failure = { error };
    });
    return output;
  }
  async #run(): Promise<Output> {
    return outputOf(await this.command("run", this.job.file, "--out", "out", "--json"), this.path("out"));
  }

  /** The nodes that belong to the cluster. */
  async names(): Promise<readonly string[]> {
    return (await listNodes(this.store)).map(({ node }) => node);
  }

  /**
   * What the log says of the only job of this cluster, by kind of event, and how many tasks completed under a driver that had
   * not given them out; held to what every log must be.
   */
  async audit({ underWay = false } = {}): Promise<Readonly<Record<string, number>>> {
    return await this.#withStore(async (store, id) => {
      const records = await readLog(store, { id });
      expect(auditLog(records)).toEqual(underWay ? ["the job committed 0 times"] : []);
      const counts: Record<string, number> = { adopted: 0 };
      for (const { epoch, events } of records) {
        for (const event of events) {
          counts[event.kind] = (counts[event.kind] ?? 0) + 1;
          if (event.kind === "taskCompleted" && event.attempt.epoch < epoch) counts.adopted!++;
        }
      }
      return counts;
    });
  }

  /** What the store does when the lease of a driver runs out that does not live any more. */
  async endDriverLease(): Promise<void> {
    await this.#withStore(async (store, id) => {
      const { entry } = await store.get(jobKeys(id).driver);
      expect(entry?.lease).toBeDefined();
      await store.revokeLease(entry!.lease!);
    });
  }

  /** With the only job of this cluster. */
  async #withStore<T>(use: (store: ControlStore, id: JobId) => Promise<T>): Promise<T> {
    const store = await openStore(this.store);
    try {
      const { entries } = await store.range(CARD_PREFIX, prefixEnd(CARD_PREFIX));
      const ids = entries.map(({ key }) => jobId(key.slice(CARD_PREFIX.length)));
      expect(ids).toHaveLength(1);
      return await use(store, ids[0]!);
    } finally {
      await store.close();
    }
  }

  /** Whether every node could fetch from every other, as far as those say that drive. */
  get reached(): boolean {
    return !this.nodes.some((node) => node.lines.some(({ error }) => error?.code === "PEER_UNREACHABLE"));
  }

  /** The last node that said it drives, among those that live. */
  get driver(): NodeProcess | undefined {
    return this.nodes.findLast((node) => node.running && drives(node));
  }
  async someDriver(): Promise<NodeProcess> {
    await this.until("some node drives", () => this.driver !== undefined);
    return this.driver!;
  }
  /** The living that do not drive. */
  async workers(): Promise<readonly NodeProcess[]> {
    const driver = await this.someDriver();
    return this.nodes.filter((node) => node.running && node !== driver);
  }
}

const drives = ({ lines }: NodeProcess): boolean =>
  lines.findLast(({ kind }) => kind === "driving" || kind === "drove")?.kind === "driving";

/** What a run gave: its rows, and the bytes of its files by name. */
export interface Output {
  readonly rows: string;
  readonly files: Readonly<Record<string, string>>;
}

/** The same on one machine, with all gates open. For the hooks of a file: a test would wait for it each time. */
export async function runAlone(): Promise<Output> {
  const room = mkdtempSync(join(tmpdir(), "bicoastal-alone-"));
  try {
    const { file } = new GatedJob(room);
    const env = { BICOASTAL_DATA_DIR: join(room, "data") };
    return outputOf(
      await runNode([binPath, "run", file, "--out", "out", "--json"], { cwd: room, env }),
      join(room, "out"),
    );
  } finally {
    rmSync(room, { recursive: true, force: true });
  }
}

/** Of `--json` output, and the directory that was written. */
export function outputOf({ code, stdout, stderr }: CliResult, out: string): Output {
  if (code !== 0) throw new Error(`exit code ${code}\n${stderr}\n${stdout}`);
  const parts = filesUnder(out).filter((file) => file.includes("/part-"));
  const files = parts.map((file) => [file.slice(out.length + 1), readFileSync(file, "utf8")]);
  const rows = stdout.split("\n").filter((line) => line.includes('"digits"'));
  return { rows: rows.join("\n"), files: Object.fromEntries(files) as Record<string, string> };
}

function filesUnder(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
