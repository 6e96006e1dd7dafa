/** A control group that bounds the memory of one process: what grows beyond it, the kernel kills. Linux, where it is writable. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const V1 = {
  root: "/sys/fs/cgroup/memory",
  limit: "memory.limit_in_bytes",
  usage: "memory.usage_in_bytes",
  events: "memory.oom_control",
  none: "-1",
};
const V2 = {
  root: "/sys/fs/cgroup",
  limit: "memory.max",
  usage: "memory.current",
  events: "memory.events",
  none: "max",
};

type Version = typeof V1;

function versionHere(): Version | undefined {
  for (const version of [V1, V2]) {
    const trial = join(version.root, `bicoastal-chaos-${process.pid}-try`);
    try {
      mkdirSync(trial);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(trial, version.limit), version.none);
      return version;
    } catch {
      // Control groups can be made here, and memory is not among what they bound.
    } finally {
      rmdirSync(trial);
    }
  }
  return undefined;
}

const version = versionHere();

export const mayLimitMemory = version !== undefined;

export class MemoryLimit {
  readonly #directory: string;
  readonly #version: Version;

  /** Only where `mayLimitMemory`. */
  constructor(name: string) {
    if (version === undefined) throw new Error("Control groups cannot be made here");
    this.#version = version;
    this.#directory = join(version.root, `bicoastal-chaos-${process.pid}-${name}`);
    mkdirSync(this.#directory);
  }

  /** From now on the process may have so much in all; what it has is not counted. */
  squeeze(pid: number, moreBytes: number): void {
    writeFileSync(join(this.#directory, "cgroup.procs"), String(pid));
    const usedBytes = Number(readFileSync(join(this.#directory, this.#version.usage), "utf8"));
    writeFileSync(join(this.#directory, this.#version.limit), String(usedBytes + moreBytes));
  }

  /** How many the kernel has killed for it so far; they need not have ended yet. */
  get kills(): number {
    const events = readFileSync(join(this.#directory, this.#version.events), "utf8");
    return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
  }

  lift(): void {
    writeFileSync(join(this.#directory, this.#version.limit), this.#version.none);
  }

  /** The processes in it have ended. */
  close(): void {
    rmdirSync(this.#directory);
  }
}
