/**
 * A cluster of processes on this machine.
 *
 * Every child ends when this process does: asked to where it ends properly, and by its own notice where it is killed, nodes by
 * the channel that breaks and etcd by the shell whose input ends.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { thisMachine } from "../../adapters/machine/this-machine.ts";
import { BicoastalError } from "../../base/errors.ts";
import { NO_CONFIG_VARIABLE, SETTING_VARIABLES } from "../input/settings.ts";
import { Child } from "./child.ts";
import { hasEtcd, startEtcd } from "./dev-etcd.ts";

/** For a node to leave, once it was asked to. */
const LEAVE_MS_MAX = 5_000;
/** Less does not do for a node's threads. */
const NODE_BYTES_MIN = 192 * 2 ** 20;

export interface DevSettings {
  readonly nodes: number;
  /** Taken in turn. */
  readonly regions: readonly string[];
  /** Of each node. Default: the machine's, shared out. */
  readonly threads: number | undefined;
  readonly memoryBytes: number | undefined;
  /** A directory as the store, also where etcd is installed. */
  readonly embedded: boolean;
  /** Absolute. */
  readonly directory: string;
  /** Every line that a node says, as it says it with `--json`. */
  readonly onLine: (node: string, line: string) => void;
  /** A node has ended by itself. */
  readonly onEnded: (node: string, how: string) => void;
}

export interface DevNode {
  readonly name: string;
  readonly region: string;
  readonly pid: number;
  readonly address: string;
}

export interface DevCluster {
  /** What `--store` takes. */
  readonly store: string;
  readonly nodes: readonly DevNode[];
  /** Resolves when no node is left. */
  readonly over: Promise<void>;
  close(): Promise<void>;
}

/** Resolves when all nodes have joined. Throws STORE_UNAVAILABLE where the store or a node does not come up. */
export async function startDevCluster(settings: DevSettings): Promise<DevCluster> {
  const { directory, embedded } = settings;
  await mkdir(directory, { recursive: true });
  const etcd = embedded || !hasEtcd() ? undefined : await startEtcd(directory);
  const store = etcd?.store ?? join(directory, "store");
  const children: Child[] = [];
  let closing = false;
  const close = async (): Promise<void> => {
    closing = true;
    await Promise.all(children.map((child) => child.end(LEAVE_MS_MAX)));
    await etcd?.child.end(LEAVE_MS_MAX);
  };
  try {
    const nodes = await Promise.all(
      namesOf(settings).map(async ({ name, region }) => {
        const child = await startNode(settings, { store, name, region }, (started) => children.push(started));
        void child.child.ended.then((how) => {
          if (!closing) settings.onEnded(name, how);
        });
        return { name, region, pid: child.child.pid ?? 0, address: child.address };
      }),
    );
    const over = Promise.all(children.map(({ ended }) => ended)).then(() => {});
    return { store, nodes, over, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function namesOf({
  nodes,
  regions,
}: DevSettings): readonly { readonly name: string; readonly region: string }[] {
  return Array.from({ length: nodes }, (_, index) => {
    const region = regions[index % regions.length]!;
    return { region, name: `${region}-${1 + Math.floor(index / regions.length)}` };
  });
}

/** Without what says how the one node of a machine is to be: these are many. */
const ofOthers = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !SETTING_VARIABLES.includes(name)));

interface NodePlace {
  readonly store: string;
  readonly name: string;
  readonly region: string;
}

async function startNode(
  { nodes, threads, memoryBytes, directory, onLine }: DevSettings,
  { store, name, region }: NodePlace,
  onStarted: (child: Child) => void,
): Promise<{ readonly child: Child; readonly address: string }> {
  const shared = Math.floor(thisMachine.memoryBytes() / 2 / nodes);
  const options = {
    store,
    name,
    region,
    threads: String(threads ?? Math.max(1, Math.floor(thisMachine.cores() / nodes))),
    memory: String(memoryBytes ?? Math.max(NODE_BYTES_MIN, shared)),
    // All of them end together: nobody is left to hand anything to.
    "drain-timeout": "0s",
    "data-dir": join(directory, name),
  };
  const args = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  let onJoined = (_address: string): void => {};
  const joined = new Promise<{ readonly address: string }>((resolve) => {
    onJoined = (address) => resolve({ address });
  });
  const child = new Child({
    command: [process.execPath, ...process.execArgv, process.argv[1] ?? "", "node", ...args, "--json"],
    env: { ...ofOthers(process.env), [NO_CONFIG_VARIABLE]: "1" },
    tie: "channel",
    onOutput: (line) => {
      const { kind, address } = JSON.parse(line) as { readonly kind: string; readonly address?: string };
      if (kind === "joined") onJoined(address ?? "");
      onLine(name, line);
    },
  });
  onStarted(child);
  const first = await Promise.race([joined, child.ended]);
  if (typeof first !== "string") return { child, address: first.address };
  throw new BicoastalError(
    "STORE_UNAVAILABLE",
    `Node ${name} did not come up (${first}).\n${child.lastWords}`,
    {
      details: { outcome: "failed" },
    },
  );
}
