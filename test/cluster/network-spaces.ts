/**
 * Network namespaces for tests and for chaos: each a machine of its own on one bridge, with an address of its own, that can be cut off from
 * others and joined again. Linux, as root.
 *
 * Names hold the process id of the test: what a test that was killed left is removed by the next one.
 */
import { spawnSync } from "node:child_process";

const PREFIX = "bco";
/** Bridges and namespaces have these names, and the other ends of links, of 15 characters at the most. */
const NAME = new RegExp(`\\b${PREFIX}(\\d+)[a-z]\\w*`, "g");

function run(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  return stdout;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
};

function sweep(isLeft: (pid: number) => boolean): void {
  const named = (text: string): readonly string[] => [
    ...new Set([...text.matchAll(NAME)].filter(([, pid]) => isLeft(Number(pid))).map(([name]) => name)),
  ];
  // With a namespace go its links, and their other ends.
  for (const name of named(run("netns", "list"))) spawnSync("ip", ["netns", "delete", name]);
  for (const name of named(run("-o", "link", "list"))) spawnSync("ip", ["link", "delete", name]);
}

/** Whether this machine lets the tests make networks. */
export const mayMakeNetworks = ((): boolean => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false;
  const name = `${PREFIX}${process.pid}try`;
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) return false;
  const made =
    spawnSync("ip", ["-n", name, "link", "add", "end0", "type", "veth", "peer", "name", "end1"]).status === 0;
  spawnSync("ip", ["netns", "delete", name]);
  return made;
})();

export class NetworkSpaces {
  /** Where those outside of all namespaces, as the members of etcd, are reached. */
  readonly host: string;
  readonly #own = `${PREFIX}${process.pid}`;
  readonly #net: string;
  #count = 0;

  constructor() {
    sweep((pid) => !isAlive(pid));
    // Different for tests that run at a time, in a range that is for such purposes.
    this.#net = `198.18.${process.pid % 256}`;
    this.host = `${this.#net}.1`;
    run("link", "add", this.#bridge, "type", "bridge");
    run("address", "add", `${this.host}/24`, "dev", this.#bridge);
    run("link", "set", this.#bridge, "up");
  }

  /** Removes all of this process's. */
  close(): void {
    sweep((pid) => pid === process.pid);
  }

  get #bridge(): string {
    return `${this.#own}br`;
  }

  add(): NetworkSpace {
    const index = this.#count++;
    const name = `${this.#own}n${index}`;
    const link = `${this.#own}l${index}`;
    const address = `${this.#net}.${index + 2}`;
    run("netns", "add", name);
    run("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
    run("link", "set", link, "master", this.#bridge, "up");
    run("-n", name, "address", "add", `${address}/24`, "dev", "eth0");
    run("-n", name, "link", "set", "eth0", "up");
    run("-n", name, "link", "set", "lo", "up");
    return { address, within: ["ip", "netns", "exec", name], name };
  }

  /** Nothing goes from one to the other any more, either way; what was sent before may arrive. */
  cut(a: NetworkSpace, b: NetworkSpace): void {
    run("-n", a.name, "route", "add", "blackhole", b.address);
    run("-n", b.name, "route", "add", "blackhole", a.address);
  }
  heal(a: NetworkSpace, b: NetworkSpace): void {
    run("-n", a.name, "route", "delete", "blackhole", b.address);
    run("-n", b.name, "route", "delete", "blackhole", a.address);
  }
}

export interface NetworkSpace {
  readonly name: string;
  readonly address: string;
  /** The command that runs another one there. */
  readonly within: readonly string[];
}
