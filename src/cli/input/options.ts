/** The command line's own options: one list that grammar, help and the reading of values come from. */
import type { RunOptions, SessionOptions, TlsOptions } from "../../api/session.ts";
import { BicoastalError } from "../../base/errors.ts";
import { ATTEMPTS_MAX, readBytes, readDurationMs, readWholeNumber, THREADS_MAX } from "./quantities.ts";
import type { FlagSpec, GivenFlag } from "./tokens.ts";

export interface OwnOption extends FlagSpec {
  readonly value: "none" | "required";
  /** What stands for the value in the help. */
  readonly placeholder?: string;
  readonly help: string;
}

const option = (name: string, help: string, placeholder?: string): OwnOption =>
  placeholder === undefined ? { name, value: "none", help } : { name, value: "required", help, placeholder };

const HELP = option("help", "show this help");
const JSON_ROWS = option("json", "rows as JSON lines on stdout, all else on stderr");
const JSON_ONE = option("json", "the answer as JSON on stdout");
const DATA_DIR = option(
  "data-dir",
  "where jobs and their data live (default: $BICOASTAL_DATA_DIR, else .bicoastal)",
  "DIR",
);
const STORE = option("store", "the store of a cluster, whose nodes run the job: etcd://HOST:2379,…", "STORE");
const TLS: readonly OwnOption[] = [
  option("tls-ca", "certificates of the authorities that a cluster's nodes trust", "FILE.pem"),
  option("tls-cert", "certificate to be known by to them", "FILE.pem"),
  option("tls-key", "its private key", "FILE.key"),
];
const JOB_NAME = option("job", "the job to take, where FILE has several", "NAME");
const PARAMS = option("params", "params from a JSON file; flags win over it", "FILE.json");

const EXECUTION: readonly OwnOption[] = [
  option("threads", "tasks at a time (default: the cores there are)", "N"),
  option("memory", "memory of the whole process, such as 2GB (default: half of what there is)", "SIZE"),
  option("attempts", "tries of one task before the job fails (default: 3)", "N"),
  option("task-timeout", "longest time for one try of a task, such as 30s (default: none)", "TIME"),
  option("debug", "everything in one thread, so that breakpoints work"),
  JSON_ROWS,
  option("quiet", "no progress and no messages of the job"),
  STORE,
  ...TLS,
  DATA_DIR,
  HELP,
];

const DETACH = option("detach", "leave the job to the cluster's nodes: print its id and go");

export const RUN_OPTIONS: readonly OwnOption[] = [JOB_NAME, PARAMS, DETACH, ...EXECUTION];
export const RESUME_OPTIONS: readonly OwnOption[] = [DETACH, ...EXECUTION];
export const EXPLAIN_OPTIONS: readonly OwnOption[] = [JOB_NAME, PARAMS, JSON_ONE, DATA_DIR, HELP];
export const JOBS_OPTIONS: readonly OwnOption[] = [JSON_ONE, STORE, ...TLS, DATA_DIR, HELP];
export const RM_OPTIONS: readonly OwnOption[] = [STORE, ...TLS, DATA_DIR, HELP];
export const LOGS_OPTIONS: readonly OwnOption[] = [
  option("follow", "go on with what is said from now on, until the job ends"),
  option("task", "only this task's, such as 2/17 for stage 2, partition 17", "TASK"),
  option("attempt", "only this attempt's, as the log names it", "ATTEMPT"),
  option("level", "least urgent that is shown: debug, info, warn or error (default: debug)", "LEVEL"),
  option("json", "lines as JSON on stdout"),
  STORE,
  ...TLS,
  DATA_DIR,
  HELP,
];
export const CANCEL_OPTIONS: readonly OwnOption[] = [JSON_ONE, STORE, ...TLS, DATA_DIR, HELP];
export const NODES_OPTIONS: readonly OwnOption[] = [JSON_ONE, STORE, HELP];
export const DRAIN_OPTIONS: readonly OwnOption[] = [JSON_ONE, STORE, HELP];
export const NODE_OPTIONS: readonly OwnOption[] = [
  option(
    "store",
    "where the nodes find each other and their jobs: etcd://HOST:2379,…, or a directory that several processes of this machine share",
    "STORE",
  ),
  option("name", "of this node (default: one kept in its data directory)", "NAME"),
  option("host", "name or address to listen on (default: 127.0.0.1)", "HOST"),
  option("port", "port to listen on (default: any that is free)", "N"),
  option("address", "where other nodes reach it (default: where it listens)", "HOST:PORT"),
  option("region", "the coast it stands on (default: local)", "NAME"),
  option("domain", "who controls it (default: default)", "NAME"),
  option("threads", "tasks at a time (default: the cores there are)", "N"),
  option("memory", "memory of the whole process, such as 2GB (default: half of what there is)", "SIZE"),
  option("lease", "how long others wait for it when it falls silent (default: 10s)", "TIME"),
  option(
    "drain-timeout",
    "how long a node that is stopped waits for its tasks to end and its output to be read; 0s: not at all (default: 25s)",
    "TIME",
  ),
  ...TLS,
  option(
    "log-level",
    "least that it tells: debug, info, warn or error (default: info; with --json debug)",
    "LEVEL",
  ),
  option("json", "what it does as JSON lines on stdout, as where there is no terminal"),
  DATA_DIR,
  HELP,
];
export const DEV_OPTIONS: readonly OwnOption[] = [
  option("nodes", "how many (default: 3)", "N"),
  option("regions", "where they stand, in turn (default: local)", "NAME,…"),
  option("threads", "tasks at a time on each (default: the cores there are, shared out)", "N"),
  option("memory", "memory of each (default: half of what there is, shared out)", "SIZE"),
  option("embedded", "a store in a directory, also where etcd is installed"),
  option("json", "what happens as JSON lines on stdout"),
  option(
    "data-dir",
    "where all of it lives (default: dev in $BICOASTAL_DATA_DIR, else .bicoastal/dev)",
    "DIR",
  ),
  HELP,
];
export const DOCTOR_OPTIONS: readonly OwnOption[] = [
  option("store", "a cluster's, to look at that as well: etcd://HOST:2379,…", "STORE"),
  ...TLS,
  option("json", "what was found as JSON lines on stdout"),
  DATA_DIR,
  HELP,
];
export const CERTS_OPTIONS: readonly OwnOption[] = [
  option("dir", "where authority and certificates are kept (default: certs)", "DIR"),
  option("days", "how long the certificates are valid (default: 90)", "N"),
  option("renew", "make those anew that are there already"),
  option("json", "what was made as JSON lines on stdout"),
  HELP,
];
export const INIT_OPTIONS: readonly OwnOption[] = [HELP];

/** Options as given, each at most once. */
export type GivenOptions = ReadonlyMap<string, string>;

/** Throws USAGE where one was given twice. */
export function onceEach(flags: readonly GivenFlag[]): GivenOptions {
  const given = new Map<string, string>();
  for (const { name, text } of flags) {
    if (given.has(name)) {
      throw new BicoastalError("USAGE", `--${name} was given more than once; give it once.`, {
        details: { option: name },
      });
    }
    given.set(name, text);
  }
  return given;
}

/** The options of `run` and `resume` that say how to execute. Throws USAGE for wrong values. */
export function readRunOptions(given: GivenOptions): RunOptions {
  const options: { -readonly [Name in keyof RunOptions]: RunOptions[Name] } = {};
  const threads = given.get("threads");
  if (threads !== undefined)
    options.threads = readWholeNumber("threads", threads, { min: 1, max: THREADS_MAX });
  const memory = given.get("memory");
  if (memory !== undefined) options.memory = readBytes("memory", memory);
  const attempts = given.get("attempts");
  if (attempts !== undefined) {
    options.attempts = readWholeNumber("attempts", attempts, { min: 1, max: ATTEMPTS_MAX });
  }
  const timeout = given.get("task-timeout");
  if (timeout !== undefined) options.taskTimeoutMs = readDurationMs("task-timeout", timeout);
  if (given.has("debug")) options.debug = true;
  return options;
}

/** The directory as the user named it, by option or environment; undefined for the default. */
export const namedDataDir = (
  given: GivenOptions,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined => given.get("data-dir") ?? (env.BICOASTAL_DATA_DIR || undefined);

/** The directory and the store asked for; what is not said is left to the session. Throws USAGE for an empty one. */
export function sessionOptionsOf(given: GivenOptions): SessionOptions {
  const store = given.get("store");
  const tls = tlsOf(given);
  return {
    ...dataDirOf(given),
    ...(store === undefined ? {} : { store: readStore(store) }),
    // Files that the environment or the config file names for clusters are of no matter to a run on this machine.
    ...(tls === undefined || store === undefined ? {} : { tls }),
  };
}

/** Throws USAGE where only some of the three are given. */
export function tlsOf(given: GivenOptions): TlsOptions | undefined {
  const [ca, cert, key] = [given.get("tls-ca"), given.get("tls-cert"), given.get("tls-key")];
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  if (ca && cert && key) return { ca, cert, key };
  throw new BicoastalError(
    "USAGE",
    "--tls-ca, --tls-cert and --tls-key come together: each names a PEM file.",
    { details: { option: ca ? (cert ? "tls-key" : "tls-cert") : "tls-ca" } },
  );
}

/** Throws USAGE. */
export function readStore(text: string): string {
  if (text !== "" && !text.includes("\0")) return text;
  throw new BicoastalError("USAGE", "--store names no store: give etcd://HOST:2379, or a directory.", {
    details: { option: "store" },
  });
}

/** The directory asked for; undefined leaves the choice to the session. Throws USAGE for an empty one. */
export function dataDirOf(given: GivenOptions): { dataDir?: string } {
  const dataDir = given.get("data-dir");
  if (dataDir === undefined) return {};
  if (dataDir === "" || dataDir.includes("\0")) {
    throw new BicoastalError("USAGE", "--data-dir is not the name of a directory.", {
      details: { option: "data-dir" },
    });
  }
  return { dataDir };
}
