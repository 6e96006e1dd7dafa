import type { NodeSettings } from "../../api/compose-cluster.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { NodeNote } from "../../runtime/cluster/cluster-node.ts";
import type { Command } from "../dependencies.ts";
import { readOptionsOnly } from "../input/id-command-line.ts";
import { dataDirOf, type GivenOptions, NODE_OPTIONS, readStore, tlsOf } from "../input/options.ts";
import { readBytes, readDurationMs, readWholeNumber, THREADS_MAX } from "../input/quantities.ts";
import { withSettings } from "../input/settings.ts";
import { ECHO_MS } from "../interrupt.ts";
import { type CliIo, EXIT, exitCodeOf } from "../io.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { nodeHelp } from "../show/help-pages.ts";
import { toJsonLine } from "../show/json.ts";
import { packageVersion } from "../version.ts";

const LEASE_MS_DEFAULT = 10_000;
/** Engines grant no shorter one. */
const LEASE_MS_MIN = 1_000;
/** Less than the 30 s that container managers give. */
const DRAIN_TIMEOUT_MS_DEFAULT = 25_000;
const PORT_MAX = 65_535;

export const command: Command = async ({ tokens, io, dependencies }) => {
  const options = await withSettings(readOptionsOnly(tokens, NODE_OPTIONS), NODE_OPTIONS, io);
  if (options.has("help")) {
    await io.stdout.write(renderHelp(nodeHelp, io.stdout));
    return EXIT.ok;
  }
  const json = options.has("json");
  const say = (facts: object, line: string): void =>
    void (json
      ? io.stdout.write(`${toJsonLine({ atMs: io.clock.wallMs(), ...facts }, "What a node says")}\n`)
      : io.stderr.write(`${line}\n`));
  const drainTimeout = options.get("drain-timeout");
  const drainTimeoutMs =
    drainTimeout === undefined
      ? DRAIN_TIMEOUT_MS_DEFAULT
      : readDurationMs("drain-timeout", drainTimeout, { minMs: 0 });
  const node = await dependencies.startNode({
    ...settingsOf(options),
    onNote: (note) => {
      const line = lineOf(note);
      if (json || line !== undefined) say({ ...note }, line ?? "");
    },
  });
  const { card } = node;
  const slots = card.slots === 1 ? "1 task" : `${card.slots} tasks`;
  say(
    { kind: "joined", ...card },
    `${escapeText(card.node)} in region ${escapeText(card.region)} listens on ${card.address} and runs ${slots} at a time`,
  );
  const drain = (signal: string): Promise<void> => {
    say({ kind: "leaving", reason: signal }, `${signal}: leaving the cluster; once more leaves at once`);
    return node.drain({ alone: "leave" });
  };
  await untilStopped(io, drain, drainTimeoutMs);
  await node.close();
  say({ kind: "left" }, "left");
  return EXIT.ok;
};

/**
 * Resolves when the node may leave: after a signal, once it has drained or has had its time for it, or at the second
 * signal. The third ends the process.
 */
function untilStopped(
  io: CliIo,
  drain: (signal: string) => Promise<void>,
  drainTimeoutMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    // Whoever wanted this node has gone without a word.
    io.onParentGone(resolve);
    let signals = 0;
    let firstAtMs = 0;
    io.onSignal((signal) => {
      // The same Ctrl-C, passed on by npm or npx.
      if (signals > 0 && io.clock.monotonicMs() - firstAtMs < ECHO_MS) return;
      signals++;
      if (signals > 1) resolve();
      if (signals > 2) io.exit(exitCodeOf(signal));
      if (signals > 1) return;
      firstAtMs = io.clock.monotonicMs();
      const drained = drain(signal === "SIGINT" ? "Ctrl-C" : signal);
      if (drainTimeoutMs === 0) return resolve();
      io.clock.setTimer(drainTimeoutMs, resolve);
      void drained.then(resolve, resolve);
    });
  });
}

function settingsOf(given: GivenOptions): Omit<NodeSettings, "onNote"> {
  const store = given.get("store");
  if (store === undefined)
    throw new BicoastalError("USAGE", "Which cluster? bicoastal node --store etcd://HOST:2379", {
      details: { option: "store" },
    });
  const text = (option: "name" | "host" | "address" | "region" | "domain"): string | undefined => {
    const value = given.get(option);
    if (value === undefined || /^[\x21-\x7e]{1,200}$/.test(value)) return value;
    throw new BicoastalError("USAGE", `--${option} takes 1 to 200 visible characters without spaces.`, {
      details: { option },
    });
  };
  const [name, host, address] = [nameOf(text("name")), text("host"), text("address")];
  const port = given.get("port");
  const threads = given.get("threads");
  const memory = given.get("memory");
  const lease = given.get("lease");
  const tls = tlsOf(given);
  return {
    store: readStore(store),
    region: text("region") ?? "local",
    domain: text("domain") ?? "default",
    leaseMs: lease === undefined ? LEASE_MS_DEFAULT : Math.max(LEASE_MS_MIN, readDurationMs("lease", lease)),
    version: packageVersion(),
    ...dataDirOf(given),
    ...(tls === undefined ? {} : { tls }),
    ...(name === undefined ? {} : { name }),
    ...(host === undefined ? {} : { host }),
    ...(address === undefined ? {} : { address }),
    ...(port === undefined ? {} : { port: readWholeNumber("port", port, { min: 0, max: PORT_MAX }) }),
    ...(threads === undefined
      ? {}
      : { threads: readWholeNumber("threads", threads, { min: 1, max: THREADS_MAX }) }),
    ...(memory === undefined ? {} : { memory: readBytes("memory", memory) }),
  };
}

function nameOf(text: string | undefined): string | undefined {
  if (text === undefined || /^[A-Za-z0-9._-]{1,200}$/.test(text)) return text;
  throw new BicoastalError("USAGE", '--name takes letters, digits, ".", "_" and "-".', {
    details: { option: "name" },
  });
}

/** Undefined for what is of no use in a log. */
export function lineOf(note: NodeNote): string | undefined {
  if (note.kind === "drained") return "drained: nothing of this node is needed any more";
  if (note.kind === "draining") {
    const jobs = note.jobs.map(escapeText).join(", ");
    return jobs === "" ? undefined : `draining: needed by ${jobs}`;
  }
  const job = escapeText(note.job);
  switch (note.kind) {
    case "driving":
      return `${job}: drives it`;
    case "drove":
      return `${job}: ${note.outcome}`;
    case "failed":
      return `${job}: ${escapeText(note.error.message)}`;
    case "event": {
      const { event } = note;
      if (event.kind === "log" || event.kind === "warning") return `${job}: ${escapeText(event.message)}`;
      if (event.kind === "nodeSetAside")
        return `${job}: ${escapeText(event.node)} is set aside: tasks failed there that others did`;
      if (event.kind === "nodeBack") return `${job}: ${escapeText(event.node)} is no longer set aside`;
      if (event.kind === "taskFailed") return `${job}: a task failed: ${escapeText(event.error.message)}`;
      return undefined;
    }
  }
}
