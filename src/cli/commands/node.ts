import type { NodeSettings } from "../../api/compose-cluster.ts";
import { BicoastalError, toErrorInfo } from "../../base/errors.ts";
import type { LogLevel } from "../../plan/task-logs.ts";
import type { Command } from "../dependencies.ts";
import { readOptionsOnly } from "../input/id-command-line.ts";
import { readLogLevel } from "../input/log-level.ts";
import { dataDirOf, type GivenOptions, NODE_OPTIONS, readStore, tlsOf } from "../input/options.ts";
import { readBytes, readDurationMs, readWholeNumber, THREADS_MAX } from "../input/quantities.ts";
import { withSettings } from "../input/settings.ts";
import { ECHO_MS } from "../interrupt.ts";
import { type CliIo, EXIT, exitCodeOf } from "../io.ts";
import { createNodeSays } from "../node-says.ts";
import { createTroubleTeller } from "../node-trouble.ts";
import { escapeText } from "../show/escape.ts";
import { renderHelp } from "../show/help.ts";
import { nodeHelp } from "../show/help-pages.ts";
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
  const drainTimeout = options.get("drain-timeout");
  const drainTimeoutMs =
    drainTimeout === undefined
      ? DRAIN_TIMEOUT_MS_DEFAULT
      : readDurationMs("drain-timeout", drainTimeout, { minMs: 0 });
  const settings = settingsOf(options);
  let name = settings.name;
  const says = await createNodeSays({
    io,
    // Lines are for machines where nobody looks on.
    json: options.has("json") || !io.stderr.isTerminal,
    level: levelOf(options),
    node: () => name,
    secrets: secretsOf(settings.store, io.env),
  });
  const { say } = says;
  const node = await dependencies.startNode({
    ...settings,
    onNote: (note) => says.note(note),
    onTaskLog: (job, entry) => says.task(job, entry),
    onTrouble: createTroubleTeller(io.clock, says),
    onTlsFault: (thrown) => {
      const error = toErrorInfo(thrown, "USAGE");
      say("error", { kind: "tls", error }, `the former certificates go on: ${escapeText(error.message)}`);
    },
    onRequestFault: (thrown) => {
      const { message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
      say("error", { kind: "request", stack }, `a request failed here: ${escapeText(message)}`);
    },
  });
  const { card } = node;
  name = card.node;
  const slots = card.slots === 1 ? "1 task" : `${card.slots} tasks`;
  say(
    "info",
    { kind: "joined", ...card },
    `${escapeText(card.node)} in region ${escapeText(card.region)} listens on ${card.address} and runs ${slots} at a time`,
  );
  const drain = (signal: string): Promise<void> => {
    say(
      "info",
      { kind: "leaving", reason: signal },
      `${signal}: leaving the cluster; once more leaves at once`,
    );
    return node.drain({ alone: "leave" });
  };
  await untilStopped(io, drain, drainTimeoutMs);
  await node.close();
  say("info", { kind: "left" }, "left");
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

/** With --json everything that happens, unless something else is asked for. Throws USAGE. */
function levelOf(options: GivenOptions): LogLevel {
  const level = options.get("log-level");
  if (level !== undefined) return readLogLevel("log-level", level);
  return options.has("json") ? "debug" : "info";
}

/** What no line may show: the cluster's token, and the password to etcd. */
function secretsOf(store: string, env: CliIo["env"]): readonly string[] {
  const login = /^[a-z]+:\/\/(.*)@/i.exec(store)?.[1];
  const password = login?.slice(login.indexOf(":") + 1);
  return [env.BICOASTAL_TOKEN, password].filter((secret) => secret !== undefined);
}

function settingsOf(
  given: GivenOptions,
): Omit<NodeSettings, "onNote" | "onTaskLog" | "onTrouble" | "onTlsFault" | "onRequestFault"> {
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
