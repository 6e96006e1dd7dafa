/**
 * What a container, or any other control group above this process, lets it use. Linux only: elsewhere there are no such
 * files, and no limits.
 *
 * Node's own answers are not enough: they leave out the processors' quota, and differ by version in whether they look
 * at the groups above, whose limits hold as well.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface ContainerLimits {
  /** undefined: none. */
  readonly memoryBytes: number | undefined;
  /** Processors' worth of time, in whole ones, from 1; undefined: no quota. */
  readonly cores: number | undefined;
}

/** The text of a file; undefined where it cannot be read. */
export type ReadText = (path: string) => string | undefined;

const CGROUP_OF_PROCESS = "/proc/self/cgroup";
const MOUNTS_OF_PROCESS = "/proc/self/mountinfo";
/** Version 1 writes "no limit" as the largest number of whole pages. */
const UNLIMITED_BYTES_MIN = 2 ** 60;

export function containerLimits(read: ReadText = readText): ContainerLimits {
  const mounts = mountsOf(read(MOUNTS_OF_PROCESS) ?? "");
  const groups = (read(CGROUP_OF_PROCESS) ?? "").split("\n").flatMap((line) => groupOf(line) ?? []);
  const memory: number[] = [];
  const cores: number[] = [];
  for (const { controllers, path } of groups) {
    for (const directory of directoriesOf(mounts, controllers, path)) {
      const numbers = (name: string): readonly number[] => numbersOf(read(join(directory, name)));
      if (controllers.length === 0) {
        memory.push(...numbers("memory.max").slice(0, 1));
        cores.push(...quotaOf(numbers("cpu.max")));
      }
      if (controllers.includes("memory")) memory.push(...numbers("memory.limit_in_bytes"));
      if (controllers.includes("cpu")) {
        cores.push(...quotaOf([...numbers("cpu.cfs_quota_us"), ...numbers("cpu.cfs_period_us")]));
      }
    }
  }
  return {
    memoryBytes: least(memory.filter((bytes) => bytes > 0 && bytes < UNLIMITED_BYTES_MIN)),
    cores: least(cores),
  };
}

interface Mount {
  /** The group that is seen at the mount point. */
  readonly root: string;
  readonly point: string;
  /** Of version 1; empty for version 2. */
  readonly controllers: readonly string[];
}

/** `36 25 0:31 /docker/1f /sys/fs/cgroup/memory rw … - cgroup cgroup rw,memory` */
function mountsOf(text: string): readonly Mount[] {
  return text.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", point = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    const controllers = type === "cgroup" ? options.split(",") : [];
    return [{ root: unescaped(root), point: unescaped(point), controllers }];
  });
}

/** Spaces and the like are written as octal numbers there. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** `4:memory:/docker/1f`; version 2: `0::/docker/1f`. */
function groupOf(line: string): { controllers: readonly string[]; path: string } | undefined {
  const match = /^\d+:([^:]*):(\/.*)$/.exec(line);
  if (match === null) return undefined;
  const [, controllers = "", path = "/"] = match;
  return { controllers: controllers === "" ? [] : controllers.split(","), path };
}

/** Where the files of a group lie, and of every group above it that can be seen from here. */
function directoriesOf(
  mounts: readonly Mount[],
  controllers: readonly string[],
  path: string,
): readonly string[] {
  const mount = mounts.find((it) =>
    controllers.length === 0
      ? it.controllers.length === 0
      : controllers.some((name) => it.controllers.includes(name)),
  );
  if (mount === undefined) return [];
  const { root, point } = mount;
  // Inside a container the mount shows the container's own group, under the path it has outside or as "/".
  const within =
    root === "/" ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
  const directories = [point];
  let directory = point;
  for (const part of within.split("/")) {
    if (part === "" || part === "..") continue;
    directory = join(directory, part);
    directories.push(directory);
  }
  return directories;
}

/** The numbers of a text such as `max 100000`: words stand for no limit. */
const numbersOf = (text: string | undefined): readonly number[] =>
  (text ?? "")
    .trim()
    .split(/\s+/)
    .map((word) => (/^-?\d+$/.test(word) ? Number(word) : Number.POSITIVE_INFINITY))
    .filter(() => text !== undefined);

/** A quota of half a processor still runs one thread. */
function quotaOf([quotaUs = -1, periodUs = -1]: readonly number[]): readonly number[] {
  if (quotaUs <= 0 || periodUs <= 0 || !Number.isFinite(quotaUs / periodUs)) return [];
  return [Math.max(1, Math.ceil(quotaUs / periodUs))];
}

const least = (numbers: readonly number[]): number | undefined =>
  numbers.length === 0 ? undefined : Math.min(...numbers);

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
