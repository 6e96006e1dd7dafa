/** What a run of chaos that was killed has left on this machine; its logs are removed, which it leaves on purpose. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename } from "node:path";

/** @param room Of the run: its name has the run's process id. */
export function leftOfKilled(room: string): readonly string[] {
  const pid = basename(room).split("-")[2] ?? "";
  const spaces = spawnSync("ip", ["netns", "list"], { encoding: "utf8" }).stdout ?? "";
  const links = spawnSync("ip", ["-o", "link", "list"], { encoding: "utf8" }).stdout ?? "";
  const processes = readdirSync("/proc").filter(
    (name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(`BICOASTAL_CHAOS=chaos-${pid}\0`),
  );
  const groups = ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"].flatMap((directory) =>
    namesIn(directory).filter((name) => name.startsWith(`bicoastal-chaos-${pid}-`)),
  );
  rmSync(room, { recursive: true });
  return [
    ...linesWith(read("/proc/mounts"), room),
    ...linesWith(spaces, `bco${pid}`),
    ...linesWith(links, `bco${pid}`),
    ...processes.map((name) => `process ${name}`),
    ...groups.map((name) => `control group ${name}`),
  ];
}

const linesWith = (text: string, part: string): readonly string[] =>
  text.split("\n").filter((line) => line.includes(part));

const namesIn = (directory: string): readonly string[] =>
  existsSync(directory) ? readdirSync(directory) : [];

/** "" where it is gone. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
