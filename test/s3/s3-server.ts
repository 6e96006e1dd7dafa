/**
 * A real S3 server for tests: Ceph's radosgw on a monitor and an object store in memory, all on the loopback, in a
 * directory of their own.
 *
 * Every process runs below a shell that waits for its input to end, and ends the process then: so none outlives the
 * test process, however that ends.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const START_MS_MAX = 300_000;
const POLL_MS = 100;

/** Whether it is there. `npm test` installs it where it may, and says at its end where it could not. */
export const hasS3Server = ["radosgw", "ceph-mon", "ceph-osd"].every(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

export class S3Server {
  readonly environment: Readonly<Record<string, string>>;
  readonly #directory: string;
  readonly #shells: ChildProcess[] = [];

  private constructor(directory: string, port: number) {
    this.#directory = directory;
    this.environment = {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_EC2_METADATA_DISABLED: "true",
    };
  }

  /** Stopped, and its directory removed, by `stop`. */
  static async start(): Promise<S3Server> {
    const [port = 0, monitorPort = 0] = await freePorts(2);
    const directory = mkdtempSync(join(tmpdir(), "bicoastal-rgw-"));
    const server = new S3Server(directory, port);
    try {
      await server.#start(port, monitorPort);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const shell of this.#shells.splice(0).reverse()) {
      const ended = once(shell, "close");
      shell.stdin?.end();
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #start(port: number, monitorPort: number): Promise<void> {
    const [cluster, disk] = [randomUUID(), randomUUID()];
    for (const name of ["mon", "osd", "rgw", "run"]) mkdirSync(join(this.#directory, name));
    writeFileSync(join(this.#directory, "ceph.conf"), this.#configuration(cluster, port, monitorPort));
    this.#makeKeys();
    const map = join(this.#directory, "monmap");
    const monitor = `[v2:127.0.0.1:${monitorPort}]`;
    this.#do("monmaptool", "--create", "--fsid", cluster, "--addv", "a", monitor, map);
    const keyring = join(this.#directory, "keyring");
    this.#ceph("ceph-mon", "--mkfs", "-i", "a", "--monmap", map, "--keyring", keyring);
    this.#run("ceph-mon", "-i", "a", "-f");
    this.#ceph("ceph", "-n", "client.admin", "--connect-timeout", "240", "osd", "new", disk);
    this.#ceph("ceph-osd", "--mkfs", "-i", "0", "--osd-uuid", disk);
    this.#run("ceph-osd", "-i", "0", "-f");
    this.#run("radosgw", "-n", "client.admin", "-f");
    await this.#answering();
    const user = ["--uid=test", "--display-name=test", "--access-key=test", "--secret-key=secret"];
    this.#ceph("radosgw-admin", "-n", "client.admin", "user", "create", ...user);
  }

  #configuration(cluster: string, port: number, monitorPort: number): string {
    const directory = this.#directory;
    const common = {
      fsid: cluster,
      "mon host": `[v2:127.0.0.1:${monitorPort}/0]`,
      "mon initial members": "a",
      "public addr": "127.0.0.1",
      "cluster addr": "127.0.0.1",
      "ms bind msgr1": "false",
      keyring: `${directory}/keyring`,
      "run dir": `${directory}/run`,
      "admin socket": "",
      "log file": `${directory}/run/$name.$pid.log`,
      "pid file": `${directory}/run/$name.pid`,
      "mon data": `${directory}/mon`,
      "osd data": `${directory}/osd`,
      "osd objectstore": "memstore",
      "memstore device bytes": 4 * 1024 ** 3,
      "osd max object name len": 460,
      "osd crush chooseleaf type": 0,
      "osd pool default size": 1,
      "osd pool default min size": 1,
      "osd pool default pg num": 1,
      "osd pool default pgp num": 1,
      "mon allow pool size one": "true",
      // A test's disk may be nearly full.
      "mon data avail crit": 1,
      // It is alone: nobody has to be waited for.
      "paxos propose interval": 0.05,
      "paxos min wait": 0.01,
    };
    const gateway = {
      "rgw frontends": `beast endpoint=127.0.0.1:${port}`,
      "rgw data": `${directory}/rgw`,
      "rgw run sync thread": "false",
      "rgw thread pool size": 32,
    };
    const text = (section: string, values: Readonly<Record<string, string | number>>): string =>
      [`[${section}]`, ...Object.entries(values).map(([name, value]) => `${name} = ${value}`)].join("\n");
    return `${text("global", common)}\n${text("client.admin", gateway)}\n`;
  }

  #makeKeys(): void {
    const keyring = join(this.#directory, "keyring");
    const all = ["mon", "osd", "mgr", "mds"].flatMap((service) => ["--cap", service, "allow *"]);
    for (const name of ["mon.", "client.admin", "osd.0"]) {
      const create = name === "mon." ? ["--create-keyring"] : [];
      this.#do("ceph-authtool", ...create, keyring, "--gen-key", "-n", name, ...all);
    }
  }

  async #answering(): Promise<void> {
    const endMs = performance.now() + START_MS_MAX;
    for (;;) {
      const answer = await fetch(this.environment.AWS_ENDPOINT_URL_S3!).catch(() => undefined);
      if (answer?.ok === true) return;
      if (performance.now() > endMs) throw new Error("radosgw did not start");
      await delay(POLL_MS);
    }
  }

  #ceph(name: string, ...args: readonly string[]): void {
    this.#do(name, "-c", join(this.#directory, "ceph.conf"), ...args);
  }

  #do(name: string, ...args: readonly string[]): void {
    const { status, stderr } = spawnSync(name, args, { encoding: "utf8", timeout: START_MS_MAX });
    if (status !== 0) throw new Error(`${name} ${args.join(" ")} failed:\n${stderr}`);
  }

  #run(name: string, ...args: readonly string[]): void {
    const script = 'exec 3<&0; "$@" 3<&- & pid=$!; cat <&3 >/dev/null; kill -9 $pid; wait $pid';
    const all = [name, "-c", join(this.#directory, "ceph.conf"), ...args];
    this.#shells.push(spawn("sh", ["-c", script, "sh", ...all], { stdio: ["pipe", "ignore", "ignore"] }));
  }
}

/** Free now; held together, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
