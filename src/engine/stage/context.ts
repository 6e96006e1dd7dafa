import { BicoastalError } from "../../base/errors.ts";
import { Prng } from "../../base/prng.ts";
import type { TaskContext } from "../../plan/context.ts";
import type { JobConstants, TaskAssignment } from "../../plan/task.ts";
import type { TaskControl } from "../environment.ts";

export type { TaskContext } from "../../plan/context.ts";

const COUNTERS_MAX = 1000;
/** With so many counters a task's completion must still fit into one record of the log. */
const COUNTER_NAME_CHARS_MAX = 100;
const LOG_LINES_MAX = 1000;
const LOG_MESSAGE_CHARS_MAX = 2000;
const LOG_FIELDS_CHARS_MAX = 4000;

const NO_COUNTERS: Readonly<Record<string, number>> = Object.freeze({});

/** The `ctx` of one task, and what the task keeps of its use. */
export interface ContextOfTask {
  readonly ctx: TaskContext;
  /** Sorted by name. */
  counters(): Readonly<Record<string, number>>;
  /** Says how many log lines were dropped, if any; call once, at the end. */
  finish(): void;
}

/** Functions, not methods: users take them apart (`({ counter }) => …`). */
export function createContext(
  constants: JobConstants,
  assignment: TaskAssignment,
  control: TaskControl,
): ContextOfTask {
  const { stage, partition } = assignment.attempt;
  // Made when they are asked for: a task that does little should not pay for what it does not use.
  let prng: Prng | undefined;
  let counters: Map<string, number> | undefined;
  let lines = 0;

  const counter = (name: string, by = 1): void => {
    counters ??= new Map();
    const before = counters.get(name);
    if (before === undefined) checkNewCounter(name, counters.size);
    if (typeof by !== "number" || !Number.isFinite(by)) {
      const got = String(by);
      throw new BicoastalError(
        "USER_FUNCTION",
        `ctx.counter("${name}", …) adds a finite number, not ${got}.`,
        {
          details: { counter: name },
        },
      );
    }
    const sum = (before ?? 0) + by;
    if (!Number.isFinite(sum)) {
      throw new BicoastalError(
        "USER_FUNCTION",
        `ctx.counter("${name}", …) has grown beyond the largest number.`,
        { details: { counter: name } },
      );
    }
    counters.set(name, sum);
  };

  const log = (message: string, fields?: Readonly<Record<string, unknown>>): void => {
    lines++;
    if (lines > LOG_LINES_MAX) return;
    control.log(
      cut(String(message), LOG_MESSAGE_CHARS_MAX),
      fields === undefined ? undefined : jsonOf(fields),
    );
  };

  const random = (): number => {
    prng ??= new Prng(`random/${constants.seed}/${stage}/${partition}`);
    return prng.next();
  };

  return {
    ctx: new FrozenContext({ counter, log, random, now: constants.submittedAtMs, partition }, control),
    counters: () =>
      counters === undefined
        ? NO_COUNTERS
        : Object.fromEntries([...counters].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))),
    finish: () => {
      const dropped = lines - LOG_LINES_MAX;
      if (dropped > 0) control.log(`${dropped} more lines of this task were left out.`, undefined);
    },
  };
}

/**
 * One class for all tasks: a getter of each context's own would make a type of each, which V8 does not forget soon, and
 * at which it gives up what it learnt of the user's functions.
 */
class FrozenContext implements TaskContext {
  readonly counter: TaskContext["counter"];
  readonly log: TaskContext["log"];
  readonly random: TaskContext["random"];
  readonly now: number;
  readonly partition: number;
  readonly #control: TaskControl;

  constructor(parts: Omit<TaskContext, "signal">, control: TaskControl) {
    this.counter = parts.counter;
    this.log = parts.log;
    this.random = parts.random;
    this.now = parts.now;
    this.partition = parts.partition;
    this.#control = control;
    Object.freeze(this);
  }

  get signal(): AbortSignal {
    return this.#control.signal;
  }
}

function checkNewCounter(name: unknown, known: number): void {
  if (typeof name !== "string") {
    throw new BicoastalError("USER_FUNCTION", `The name of a ctx.counter must be text, not ${typeof name}.`);
  }
  if (name.length > COUNTER_NAME_CHARS_MAX) {
    throw new BicoastalError(
      "USER_FUNCTION",
      `ctx.counter("${cut(name, 100)}"): a counter's name has at most ${COUNTER_NAME_CHARS_MAX} characters, not ${name.length}.`,
      { details: { counter: cut(name, 100) } },
    );
  }
  if (known >= COUNTERS_MAX) {
    throw new BicoastalError(
      "USER_FUNCTION",
      `ctx.counter("${cut(name, 100)}"): a task has at most ${COUNTERS_MAX} counters. To count many things, use countBy.`,
      { details: { counter: cut(name, 100) } },
    );
  }
}

/** A log line never fails a task: fields that JSON cannot say become a remark. */
function jsonOf(fields: Readonly<Record<string, unknown>>): string {
  try {
    const text = JSON.stringify(fields, (_, value: unknown) =>
      typeof value === "bigint" ? `${value}n` : value,
    );
    if (text !== undefined && text.length <= LOG_FIELDS_CHARS_MAX) return text;
    return JSON.stringify({ left_out: text === undefined ? "not an object" : `${text.length} characters` });
  } catch (error) {
    return JSON.stringify({ left_out: cut(String(error), 200) });
  }
}

const cut = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
