/** Real etcd for tests: members on free ports, each with a directory of its own. None outlives the test process. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectEtcd } from "../../src/adapters/etcd/open.ts";
import { readEtcdStatus } from "../../src/adapters/etcd/status.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import { BicoastalError } from "../../src/base/errors.ts";
import { TiedProcess } from "../tied-process.ts";

const START_MS_MAX = 300_000;
const POLL_MS = 50;
/** Of a member's log, to say why it did not start. */
const LOG_LINES_MAX = 200;
/** For the others to agree that a member has gone and another one comes. */
const REPLACE_MS_MAX = 300_000;
const ASK_MS_MAX = 20_000;
/** The first pages of the database say what the rest is. */
const FIRST_PAGES_BYTES = 16 * 1024;
const CLIENT_PORT = 2379;
const PEER_PORT = 2380;

/** Whether etcd is there. `npm test` installs it where it may, and says at its end where it could not. */
export const hasEtcd = spawnSync("etcd", ["--version"]).status === 0;

export interface EtcdOptions {
  /** Given to every member. */
  readonly args?: readonly string[];
  readonly scheme?: "http" | "https";
  /** To listen on. Default: the loopback. */
  readonly host?: string;
  /** A machine of its own for each member, on which all ports are free. Default: all on this one. */
  readonly machines?: readonly EtcdMachine[];
  /** Where their data lie. Default: among the system's temporary files. */
  readonly within?: string;
  /** Every line that a member says. */
  readonly onLine?: (member: number, line: string) => void;
}

export interface EtcdMachine {
  readonly address: string;
  /** The command that runs another one there. */
  readonly within: readonly string[];
}

interface Server {
  readonly name: string;
  readonly endpoint: string;
  /** Where clients and the other members reach it. */
  readonly client: string;
  readonly peer: string;
  readonly directory: string;
  readonly command: readonly string[];
  process?: TiedProcess | undefined;
  /** Whether it has come to a cluster that was there. */
  joined?: boolean;
}

export class EtcdServers {
  readonly #servers: readonly Server[];
  readonly #directory: string;
  readonly #onLine: NonNullable<EtcdOptions["onLine"]>;

  private constructor(
    servers: readonly Server[],
    directory: string,
    onLine: NonNullable<EtcdOptions["onLine"]>,
  ) {
    this.#servers = servers;
    this.#directory = directory;
    this.#onLine = onLine;
  }

  /** Starts so many members. They are stopped, and their directories removed, by `stop`. */
  static async start(members: number, options: EtcdOptions = {}): Promise<EtcdServers> {
    const directory = await mkdtemp(join(options.within ?? tmpdir(), "bicoastal-etcd-"));
    const servers = new EtcdServers(
      await configure(members, directory, options),
      directory,
      options.onLine ?? (() => {}),
    );
    try {
      await Promise.all(servers.#servers.map((_, index) => servers.startMember(index)));
      return servers;
    } catch (error) {
      await servers.stop();
      throw error;
    }
  }

  get endpoints(): readonly string[] {
    return this.#servers.map(({ endpoint }) => endpoint);
  }

  /** Also one that was killed; it goes on with what lies in its directory. Resolves when it listens to clients. */
  async startMember(index: number): Promise<void> {
    const log: string[] = [];
    await this.#spawn(index, log);
    await until(START_MS_MAX, () => log.some(serves)).catch(() => {
      throw new Error(`etcd did not start:\n${log.slice(-20).join("\n")}`);
    });
  }

  /** Whether it ends by itself when it is started, rather than serve. */
  async refusesToStart(index: number): Promise<boolean> {
    const log: string[] = [];
    const started = await this.#spawn(index, log);
    await until(START_MS_MAX, () => !started.running || log.some(serves));
    return !started.running;
  }

  async #spawn(index: number, log: string[]): Promise<TiedProcess> {
    const server = this.#server(index);
    const state = ["--initial-cluster-state", server.joined === true ? "existing" : "new"];
    server.process = await TiedProcess.start({
      command: [...server.command, ...state],
      onError: (line) => {
        this.#onLine(index, line);
        log.push(line);
        if (log.length > LOG_LINES_MAX) log.shift();
      },
    });
    return server.process;
  }

  /**
   * Its disk is lost: kills it, removes what it had, and has a new member take its place, as etcd's documentation of runtime
   * reconfiguration says. Needs a majority of the others. Resolves when it listens to clients.
   */
  async replace(index: number): Promise<void> {
    const server = this.#server(index);
    await this.kill(index);
    await rm(server.directory, { recursive: true, force: true });
    await until(REPLACE_MS_MAX, () => this.#changeMember(server).catch(() => false));
    server.joined = true;
    await this.startMember(index);
  }

  /** Damages what it keeps on its disk, in a way that etcd's checksums show. To be called while it does not run. */
  async damage(index: number, what: "log" | "database"): Promise<void> {
    const directory = join(this.#server(index).directory, "member");
    const logs = join(directory, "wal");
    const last = (await readdir(logs))
      .filter((name) => name.endsWith(".wal"))
      .sort()
      .at(-1);
    const file = await open(what === "log" ? join(logs, last ?? "") : join(directory, "snap", "db"), "r+");
    try {
      if (what === "database") await file.write(Buffer.alloc(FIRST_PAGES_BYTES), 0, FIRST_PAGES_BYTES, 0);
      else {
        const bytes = await file.readFile();
        // Behind what is written, the file is full of zeros.
        const at = bytes.findLastIndex((byte) => byte !== 0) >> 1;
        await file.write(Buffer.from([(bytes[at] ?? 0) ^ 0x10]), 0, 1, at);
      }
    } finally {
      await file.close();
    }
  }

  /** Takes the old member out and the new one in, as far as that has not been done. Returns whether it has been. */
  async #changeMember(server: Server): Promise<boolean> {
    const { members = [] } = await this.#ask(server, "list", {});
    const known = members.filter(({ peerURLs }) => peerURLs?.includes(server.peer));
    // One that never started has no name yet.
    const old = known.find(({ name }) => name !== undefined && name !== "");
    if (old !== undefined) await this.#ask(server, "remove", { ID: old.ID });
    else if (known.length > 0) return true;
    await this.#ask(server, "add", { peerURLs: [server.peer] });
    return true;
  }

  /** Of the first of the others that answers. */
  async #ask(but: Server, what: "list" | "remove" | "add", request: object): Promise<MemberList> {
    const others = this.#servers.filter((server) => server !== but && server.process?.running === true);
    return await Promise.any(
      others.slice(0, what === "list" ? undefined : 1).map(async ({ client }) => {
        const response = await fetch(`${client}/v3/cluster/member/${what}`, {
          method: "POST",
          body: JSON.stringify(request),
          signal: AbortSignal.timeout(ASK_MS_MAX),
        });
        if (!response.ok) throw new Error(`${what}: ${await response.text()}`);
        return (await response.json()) as MemberList;
      }),
    );
  }

  /** Stops a member that is alone, keeps what it has, and starts it again. */
  async save(): Promise<void> {
    const { directory } = this.#server(0);
    await this.kill(0);
    await cp(directory, `${directory}.saved`, { recursive: true });
    await this.startMember(0);
  }

  /** Sets it back to what was saved: all that was written since is forgotten, and revisions come again. */
  async setBack(): Promise<void> {
    const { directory } = this.#server(0);
    await this.kill(0);
    await rm(directory, { recursive: true });
    await cp(`${directory}.saved`, directory, { recursive: true });
    await this.startMember(0);
  }

  /** kill -9. */
  async kill(index: number): Promise<void> {
    const server = this.#server(index);
    const running = server.process;
    server.process = undefined;
    await running?.kill();
  }

  isRunning(index: number): boolean {
    return this.#server(index).process?.running === true;
  }

  /** It stays connected, and does nothing. */
  freeze(index: number): void {
    this.#signal(index, "SIGSTOP");
  }
  thaw(index: number): void {
    this.#signal(index, "SIGCONT");
  }

  /** Waits until there is one. */
  async leader(): Promise<number> {
    let index = -1;
    await until(START_MS_MAX, async () => {
      index = await this.#askForLeader().catch((error: unknown) => {
        // None of them answers just now.
        if (error instanceof BicoastalError && error.code === "STORE_UNAVAILABLE") return -1;
        throw error;
      });
      return index >= 0;
    });
    return index;
  }

  async #askForLeader(): Promise<number> {
    const client = await connectEtcd({ endpoints: this.endpoints, clock: systemClock });
    const members = await readEtcdStatus(client).finally(() => client.close());
    return members.findIndex((member) => member.isLeader);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((_, index) => this.kill(index)));
    await rm(this.#directory, { recursive: true, force: true });
  }

  #signal(index: number, signal: NodeJS.Signals): void {
    this.#server(index).process?.signal(signal);
  }

  #server(index: number): Server {
    const server = this.#servers[index];
    if (server === undefined) throw new Error(`There is no member ${index}`);
    return server;
  }
}

interface MemberList {
  readonly members?: readonly {
    readonly ID: string;
    readonly name?: string;
    readonly peerURLs?: readonly string[];
  }[];
}

const serves = (line: string): boolean => /ready to serve client requests|serving .*client/i.test(line);

async function configure(
  members: number,
  directory: string,
  { args = [], scheme = "http", host = "127.0.0.1", machines }: EtcdOptions,
) {
  const ports = machines === undefined ? await freePorts(2 * members, host) : [];
  const plans = Array.from({ length: members }, (_, i) => {
    const { address = host, within = [] } = machines?.[i] ?? {};
    return {
      name: `member-${i}`,
      within,
      endpoint: `${address}:${ports[2 * i] ?? CLIENT_PORT}`,
      peer: `http://${address}:${ports[2 * i + 1] ?? PEER_PORT}`,
    };
  });
  const cluster = plans.map(({ name, peer }) => `${name}=${peer}`).join(",");
  return plans.map(({ name, within, endpoint, peer }): Server => {
    const own = join(directory, name);
    const client = `${scheme}://${endpoint}`;
    return {
      name,
      endpoint,
      client,
      peer,
      directory: own,
      command: [
        ...[...within, "etcd"],
        ...["--name", name, "--data-dir", own, "--initial-cluster", cluster],
        ...["--listen-client-urls", client, "--advertise-client-urls", client],
        ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
        ...args,
      ],
    };
  });
}

/** Free now; held together, so that they differ. */
async function freePorts(count: number, host: string): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, host));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(withinMs: number, happened: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await happened())) {
    if (performance.now() > endMs) throw new Error(`It did not happen within ${withinMs} ms`);
    await delay(POLL_MS);
  }
}
