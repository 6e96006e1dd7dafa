/**
 * Where a run of chaos lives: one directory, and nothing outside of it but what bears this process's id in its name.
 *
 * Beside it stands a shell that waits for its own input to end, which comes however this process ends. If the room was not
 * closed by then, it removes what is left: processes that lost what tied them to this one, mounts, network namespaces, control groups and files, all but the logs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The processes that were tied to this one have ended by then. */
const WATCHDOG = `
room=$1 pid=$2
cat >/dev/null
[ -e "$room/closed" ] && exit 0
sleep 1
for process in /proc/[0-9]*; do
  tr '\\000' '\\n' <"$process/environ" 2>/dev/null | grep -qx "BICOASTAL_CHAOS=chaos-$pid" && kill -9 "\${process#/proc/}"
done
for name in $(ip netns list 2>/dev/null | cut -d ' ' -f 1 | grep "^bco$pid[a-z]"); do ip netns delete "$name"; done
ip link delete "bco\${pid}br" 2>/dev/null
grep -o " $room/[^ ]*" /proc/mounts 2>/dev/null | while read -r mount; do umount -l "$mount"; done
for group in /sys/fs/cgroup/memory/bicoastal-chaos-$pid-* /sys/fs/cgroup/bicoastal-chaos-$pid-*; do rmdir "$group"; done 2>/dev/null
find "$room" -mindepth 1 -maxdepth 1 ! -name logs -exec rm -rf {} +
`;

export class Room {
  readonly path = mkdtempSync(join(tmpdir(), `bicoastal-chaos-${process.pid}-`));
  readonly logs = join(this.path, "logs");
  /** Set for every process that is started, so that none is overlooked. */
  readonly mark = `chaos-${process.pid}`;
  readonly #watchdog: ChildProcess;

  constructor() {
    for (const name of ["logs", "inputs", "out", "nodes", "clocks", "tmp", "client", "clients"])
      mkdirSync(this.in(name));
    // In a session of its own: Ctrl-C is not for it.
    this.#watchdog = spawn("sh", ["-c", WATCHDOG, "sh", this.path, String(process.pid)], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.#watchdog.unref();
  }

  in(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  log(name: string, line: string): void {
    appendFileSync(join(this.logs, `${name}.log`), `${new Date().toISOString()} ${line}\n`);
  }

  /** Removes the room, all but the logs if they are of use; everything mounted in it is gone by now. */
  close({ keepLogs }: { readonly keepLogs: boolean }): void {
    for (const name of [
      "inputs",
      "out",
      "nodes",
      "clocks",
      "clients",
      "tmp",
      "client",
      "node_modules",
      "chaos-job.mjs",
      "package.json",
    ])
      rmSync(this.in(name), { recursive: true, force: true, maxRetries: 5 });
    if (keepLogs) writeFileSync(this.in("closed"), "");
    else rmSync(this.path, { recursive: true, force: true });
    this.#watchdog.stdin?.end();
  }
}
