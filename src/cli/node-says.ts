/** What a node says of itself and of its jobs' tasks: lines of JSON, or lines to read at a terminal. */
import { striker } from "../adapters/log/strike-secrets.ts";
import { attemptKey } from "../base/ids.ts";
import { isAtLeast, type LogLevel, type NewEntry } from "../plan/task-logs.ts";
import type { NodeNote } from "../runtime/cluster/cluster-node.ts";
import type { CliIo } from "./io.ts";
import { escapeText } from "./show/escape.ts";

export interface NodeSays {
  /** @param line For a terminal; undefined for what is of no use there. */
  say(level: LogLevel, facts: Facts, line: string | undefined): void;
  note(note: NodeNote): void;
  task(job: string, entry: NewEntry): void;
}

type Facts = { readonly kind: string } & Readonly<Record<string, unknown>>;

export interface NodeSaysOptions {
  readonly io: CliIo;
  readonly level: LogLevel;
  readonly json: boolean;
  /** Said with every line. */
  readonly node: () => string | undefined;
  readonly secrets: readonly string[];
}

/** pino is loaded only for lines of JSON. */
export async function createNodeSays({ io, level, json, node, secrets }: NodeSaysOptions): Promise<NodeSays> {
  const write = json ? await jsonLines(io, level, secrets) : plainLines(io, level, secrets);
  const say: NodeSays["say"] = (at, facts, line) => write(at, { node: node(), ...facts }, line);
  return {
    say,
    note(note) {
      // Told with its task, below.
      if (note.kind === "event" && (note.event.kind === "log" || note.event.kind === "warning")) return;
      say(levelOf(note), { ...note }, lineOf(note));
    },
    task(job, { level: at, attempt, message, fields, error }) {
      const key = attempt === undefined ? {} : { task: taskOf(attempt), attempt: attemptKey(attempt) };
      const more = fields === undefined ? {} : { fields: JSON.parse(fields) as unknown };
      const failed = error === undefined ? {} : { error };
      // What the driver adds to a job's log is a note of this node as well.
      if (attempt === undefined) return;
      say(
        at,
        { kind: "task", job, ...key, ...more, ...failed, message },
        `${escapeText(job)} ${key.attempt}: ${escapeText(`${error === undefined ? "" : `${error.code}: `}${message}${fields === undefined ? "" : ` ${fields}`}`)}`,
      );
    },
  };
}

type Write = (level: LogLevel, facts: Facts, line: string | undefined) => void;

async function jsonLines(io: CliIo, level: LogLevel, secrets: readonly string[]): Promise<Write> {
  const { createNodeLog } = await import("../adapters/log/node-log.ts");
  const log = createNodeLog({
    level,
    secrets,
    wallMs: () => io.clock.wallMs(),
    write: (line) => void io.stdout.write(line),
  });
  return (at, facts, line) => {
    const { message, ...others } = facts;
    log(at, others, typeof message === "string" ? message : (line ?? facts.kind));
  };
}

function plainLines(io: CliIo, level: LogLevel, secrets: readonly string[]): Write {
  const strike = striker(secrets);
  return (at, _, line) => {
    if (line !== undefined && isAtLeast(at, level)) void io.stderr.write(`${strike(line)}\n`);
  };
}

const taskOf = ({ stage, partition }: { readonly stage: number; readonly partition: number }): string =>
  `${stage}/${partition}`;

function levelOf(note: NodeNote): LogLevel {
  if (note.kind === "failed" || note.kind === "namesake") return "error";
  if (note.kind !== "event") return "info";
  switch (note.event.kind) {
    case "progress":
      return "debug";
    case "taskFailed":
    case "outputLost":
    case "nodeSetAside":
      return "warn";
    default:
      return "info";
  }
}

/** Undefined for what is of no use to whoever reads along. */
export function lineOf(note: NodeNote): string | undefined {
  if (note.kind === "namesake")
    return `another node goes by this one's name${note.address === undefined ? "" : `, at ${escapeText(note.address)}`}: others do not see this one; stop one of them, or give it another --name`;
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
