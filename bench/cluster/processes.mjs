// Real processes for a cluster on this machine: etcd, nodes, and commands of somebody who is no node. All of them listen
// on the loopback, have directories of their own, and end with this process, however that ends.
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { TiedProcess } from "../../scripts/tied-process.mjs";
import { root } from "../../scripts/tools.mjs";

const bin = join(root, "dist", "bin.js");
const startMsMax = 60_000;
const lookMs = 20;
const linesMax = 20;
/** Ticks of a second in which /proc counts. */
const ticksPerSecond = 100;
const mayUseMemory = "300MB";

/** Of this machine, for all its processes: its monotonic clock. */
export const nowMs = () => Number(process.hrtime.bigint()) / 1e6;

/** @param {number} ms */
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Waits for what must come.
 * @param {string} what @param {() => boolean} happened @param {number} [msMax]
 */
export async function until(what, happened, msMax = startMsMax) {
  const endMs = nowMs() + msMax;
  while (!happened()) {
    if (nowMs() > endMs) throw new Error(`It did not happen within ${msMax / 1000} s: ${what}`);
    await pause(lookMs);
  }
}

/** What runs. @type {Set<TiedProcess>} */
const started = new Set();

/** @param {import("../../scripts/tied-process.mjs").TiedOptions} options */
async function start(options) {
  const process = await TiedProcess.start(options);
  started.add(process);
  void process.ended.then(() => started.delete(process));
  return process;
}

/** Ends everything at once: they would end by themselves, but a moment after this process. */
export function endAll() {
  for (const process of started) process.signal("SIGKILL");
}

/** User and system time that a process has used until now. @param {number} pid */
function cpuSecondsOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is a name in parentheses, which may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** Free now; held together, so that they differ. @param {number} count @returns {Promise<number[]>} */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        /** @type {Promise<import("node:net").Server>} */ (
          new Promise((resolve, reject) => {
            const server = createServer().once("error", reject);
            server.listen(0, "127.0.0.1", () => resolve(server));
          })
        ),
    ),
  );
  return Promise.all(
    servers.map((server) => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      return /** @type {Promise<number>} */ (new Promise((resolve) => server.close(() => resolve(port))));
    }),
  );
}

/** etcd of one member or of three. */
export class Etcd {
  /** @type {TiedProcess[]} */
  #members = [];

  /** @private @param {readonly number[]} ports For clients. */
  constructor(ports) {
    this.url = `etcd://${ports.map((port) => `127.0.0.1:${port}`).join(",")}`;
  }

  /** @param {string} directory @param {number} members */
  static async start(directory, members) {
    const ports = await freePorts(2 * members);
    const clients = ports.slice(0, members);
    const etcd = new Etcd(clients);
    const peers = ports.slice(members).map((port) => `http://127.0.0.1:${port}`);
    const cluster = peers.map((peer, i) => `m${i}=${peer}`).join(",");
    await Promise.all(
      clients.map(async (port, i) => {
        const client = `http://127.0.0.1:${port}`;
        const peer = peers[i] ?? "";
        /** @type {string[]} */
        const said = [];
        const member = await start({
          command: [
            ...["etcd", "--name", `m${i}`, "--data-dir", join(directory, `etcd-${i}`)],
            ...["--listen-client-urls", client, "--advertise-client-urls", client],
            ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
            ...["--initial-cluster", cluster, "--initial-cluster-state", "new"],
          ],
          onError: (line) => void said.push(line),
        });
        etcd.#members.push(member);
        await until("etcd starts", () =>
          said.some((line) => /ready to serve client requests|serving .*client/i.test(line)),
        );
      }),
    );
    return etcd;
  }

  get members() {
    return this.#members.length;
  }

  cpuSeconds() {
    return this.#members.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0);
  }

  stop() {
    return Promise.all(this.#members.map((member) => member.kill()));
  }
}

/**
 * A line that a node says with `--json`.
 * @typedef {object} NodeLine
 * @property {string} kind
 * @property {number} heardMs By `nowMs`.
 * @property {string} [job]
 * @property {{ kind: string, progress?: { tasksDone: number, tasksTotal: number } }} [event]
 */

/** One process of `bicoastal node`, with one thread. */
export class BenchNode {
  /** Of this process; the newest last. @type {NodeLine[]} */
  lines = [];
  /** @type {string[]} */
  #errors = [];
  /** @type {TiedProcess | undefined} */
  #process;
  #cpuSecondsBefore = 0;

  /** @param {string} name @param {{ store: string, directory: string, leaseMs: number }} options */
  constructor(name, options) {
    this.name = name;
    this.options = options;
  }

  get running() {
    return this.#process?.running === true;
  }

  /** Whether it is the last one that it heard to drive a job. */
  get drives() {
    const last = this.lines.findLast(({ kind }) => kind === "driving" || kind === "drove");
    return this.running && last?.kind === "driving";
  }

  /** Resolves when it belongs to the cluster. One that was killed finds its data again. */
  async start() {
    const { store, directory, leaseMs } = this.options;
    this.lines = [];
    this.#process = await start({
      command: [
        ...[process.execPath, bin, "node", "--json", "--store", store, "--name", this.name],
        ...["--data-dir", join(directory, this.name), "--threads", "1", "--memory", mayUseMemory],
        ...["--lease", `${leaseMs}ms`, "--drain-timeout", "0s"],
      ],
      cwd: directory,
      onOutput: (line) => void this.lines.push({ ...JSON.parse(line), heardMs: nowMs() }),
      onError: (line) => {
        this.#errors = [...this.#errors, line].slice(-linesMax);
      },
    });
    await until(`${this.name} joins`, () => {
      if (!this.running) throw new Error(`${this.name} ended at once:\n${this.#errors.join("\n")}`);
      return this.lines.some(({ kind }) => kind === "joined");
    });
  }

  /** kill -9. */
  async kill() {
    if (this.#process === undefined) return;
    this.#cpuSecondsBefore = this.cpuSeconds();
    const { pid } = this.#process;
    const running = this.#process;
    this.#process = undefined;
    await running.kill();
    return pid;
  }

  /** Of all its processes, one after another. */
  cpuSeconds() {
    return this.#cpuSecondsBefore + (this.#process === undefined ? 0 : cpuSecondsOf(this.#process.pid));
  }
}

/** Nodes of one store. */
export class BenchCluster {
  /** @private @param {BenchNode[]} nodes @param {string} store @param {string} directory */
  constructor(nodes, store, directory) {
    this.nodes = nodes;
    this.store = store;
    this.directory = directory;
  }

  /** @param {{ store: string, directory: string, nodes: number, leaseMs: number }} options */
  static async start({ store, directory, nodes: count, leaseMs }) {
    mkdirSync(directory, { recursive: true });
    const nodes = Array.from(
      { length: count },
      (_, i) => new BenchNode(`n${i}`, { store, directory, leaseMs }),
    );
    const cluster = new BenchCluster(nodes, store, directory);
    try {
      await Promise.all(nodes.map((node) => node.start()));
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Waits until a node drives. */
  async driver() {
    await until("some node drives", () => this.nodes.some((node) => node.drives));
    return /** @type {BenchNode} */ (this.nodes.find((node) => node.drives));
  }

  cpuSeconds() {
    return this.nodes.reduce((sum, node) => sum + node.cpuSeconds(), 0);
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Runs a command of this package, or a program, to its end.
 * @param {readonly string[]} args Of Node. @param {{ cwd: string, env?: Record<string, string> }} options
 * @returns {Promise<{ seconds: number, cpuSeconds: number, stdout: string }>} Rejects where it fails.
 */
export async function runOnce(args, { cwd, env = {} }) {
  /** @type {string[]} */
  const stdout = [];
  /** @type {string[]} */
  const errors = [];
  const startMs = nowMs();
  const running = await start({
    command: [process.execPath, ...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
    onOutput: (line) => void stdout.push(line),
    onError: (line) => void errors.push(line),
  });
  // It is gone when it has ended: what it had used by then is asked for while it runs.
  let cpuSeconds = 0;
  const looking = setInterval(() => {
    cpuSeconds = Math.max(cpuSeconds, cpuSecondsOf(running.pid));
  }, lookMs);
  const code = await running.ended;
  clearInterval(looking);
  const seconds = (nowMs() - startMs) / 1000;
  if (code !== 0)
    throw new Error(`${args.join(" ")} ended with exit code ${code}:\n${errors.slice(-linesMax).join("\n")}`);
  return { seconds, cpuSeconds, stdout: stdout.join("\n") };
}

/** `bicoastal run`, with the options given. @param {string} job @param {readonly string[]} options */
export const runCommand = (job, options) => [bin, "run", job, "--json", "--quiet", ...options];
