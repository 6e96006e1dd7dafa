/** One member of etcd, for trying out. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { BicoastalError } from "../../base/errors.ts";
import { Child } from "./child.ts";

const START_MS_MAX = 20_000;

/**
 * etcd knows nothing of whoever started it. So a shell stands between that reads its own input, which ends with whoever
 * holds its other end, however that comes: then it stops etcd.
 */
const KEEPER = `
exec 3<&0
"$@" 3<&- </dev/null &
etcd=$!
( cat <&3 >/dev/null; kill "$etcd" ) 3<&3 &
wait "$etcd"
`;

/** Whether etcd can be started here, and be stopped again. */
export const hasEtcd = (): boolean =>
  process.platform !== "win32" && spawnSync("etcd", ["--version"], { stdio: "ignore" }).status === 0;

export interface DevEtcd {
  /** `etcd://host:port`. */
  readonly store: string;
  readonly child: Child;
}

/** Throws STORE_UNAVAILABLE where it does not come up. */
export async function startEtcd(directory: string): Promise<DevEtcd> {
  await mkdir(directory, { recursive: true });
  const [client, peer] = await freePorts();
  const clientUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  let onReady = (): void => {};
  const ready = new Promise<"ready">((resolve) => {
    onReady = () => resolve("ready");
  });
  const flags = {
    name: "dev",
    "data-dir": join(directory, "etcd"),
    "listen-client-urls": clientUrl,
    "advertise-client-urls": clientUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `dev=${peerUrl}`,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const child = new Child({
    command: ["sh", "-c", KEEPER, "sh", "etcd", ...args],
    tie: "input",
    onOutput: () => {},
    onError: (line) => {
      if (/ready to serve client requests/i.test(line)) onReady();
    },
  });
  const timer = setTimeout(() => void child.end(0), START_MS_MAX);
  const first = await Promise.race([ready, child.ended]);
  clearTimeout(timer);
  if (first === "ready") return { store: `etcd://127.0.0.1:${client}`, child };
  throw new BicoastalError(
    "STORE_UNAVAILABLE",
    `etcd did not come up (${first}); --embedded goes without it.\n${child.lastWords}`,
    { details: { outcome: "failed" } },
  );
}

/** Two that were free a moment ago. */
async function freePorts(): Promise<readonly [number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    ports.push(address !== null && typeof address === "object" ? address.port : 0);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0]!, ports[1]!];
}
