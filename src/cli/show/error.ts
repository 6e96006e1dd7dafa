/** Errors for people and for machines. */
import { InvariantViolation } from "../../base/assert.ts";
import type { ErrorCode, ErrorDetails } from "../../base/errors.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Look } from "../io.ts";
import { EXIT } from "../io.ts";
import { escapeLines, escapeText } from "./escape.ts";
import { excerptLines, firstUserFrame } from "./source-excerpt.ts";
import { truncateToWidth } from "./width.ts";

export interface ErrorContext {
  readonly cwd: string;
  /** Where Bicoastal's own files lie; frames from there are not the user's. Ends with a separator. */
  readonly ownRoot: string;
  readonly style: (look: Look, text: string) => string;
  /** The job that had been started, where there was one. */
  readonly job?: string | undefined;
  /** Where its data lie, when `resume` must be told. */
  readonly dataDir?: string | undefined;
  /** The store of the cluster that runs it, where one was given. */
  readonly store?: string | undefined;
}

/** Errors whose stack leads to a line that the user wrote and can change. */
const CODES_WITH_SOURCE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "USER_FUNCTION",
  "JOB_INVALID",
  "KEY_INVALID",
  "VALUE_UNENCODABLE",
  "GROUP_CONSUMED",
  "BUNDLE_FAILED",
  "PLAN_IMPURE",
]);

/** The command line was wrong, not the job: also where it names a job that is not there. */
const CODES_OF_USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "USAGE",
  "JOB_NOT_FOUND",
  "PARAM_INVALID",
  "PARAM_UNKNOWN",
]);

/** Going on would only end the same way. */
const CODES_NOT_RESUMABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...CODES_OF_USAGE,
  "JOB_RUNNING",
  "INPUT_CHANGED",
  "PLAN_IMPURE",
  "OUTPUT_DIFFERS",
]);

const MESSAGE_CHARACTERS_MAX = 20_000;
const DETAIL_WIDTH_MAX = 300;
const STACK_LINES_MAX = 30;
const CAUSES_MAX = 5;

export const exitCodeOfError = (error: unknown): number =>
  error instanceof BicoastalError && CODES_OF_USAGE.has(error.code) ? EXIT.usage : EXIT.failed;

/** Lines for stderr, the last of them what to do next. */
export function errorLines(error: unknown, context: ErrorContext): string[] {
  return error instanceof BicoastalError ? knownErrorLines(error, context) : bugLines(error, context);
}

function knownErrorLines(error: BicoastalError, context: ErrorContext): string[] {
  const label = context.style("red", `error[${error.code}]`);
  const lines = [`${label}: ${escapeLines(error.message.slice(0, MESSAGE_CHARACTERS_MAX))}`];
  // The message of a wrong command line is about nothing but itself.
  if (CODES_OF_USAGE.has(error.code)) return lines;
  lines.push(...detailLines(error), ...sourceLines(error, context), ...causeLines(error));
  if (context.job !== undefined && !CODES_NOT_RESUMABLE.has(error.code))
    lines.push("", resumeHint(context.job, context));
  return lines;
}

type Where = Pick<ErrorContext, "dataDir" | "store">;

export const resumeHint = (job: string, where: Where): string =>
  `To go on from here, without redoing what is done: ${resumeCommand(job, where)}`;

/** For a job that runs without whoever looked on. */
export const followHint = (job: string, where: Where): string =>
  `To see its results when they are there: ${resumeCommand(job, where)}`;

function resumeCommand(job: string, { dataDir, store }: Where): string {
  const named = (option: string, value: string | undefined): string =>
    value === undefined ? "" : ` --${option} ${escapeText(shellQuoted(value))}`;
  // What is before an @ may be a password, and what is shown here may be kept.
  const where = named("store", store?.includes("@") ? "STORE" : store) + named("data-dir", dataDir);
  return `bicoastal resume ${escapeText(job)}${where}`;
}

const shellQuoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** Facts that the rest of the text says in words. */
const DETAILS_FOR_PROGRAMS: ReadonlySet<string> = new Set(["job", "flag", "option", "param", "outcome"]);

/** Facts that the message does not already say. */
function detailLines(error: BicoastalError): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(error.details)) {
    if (value === null || DETAILS_FOR_PROGRAMS.has(name)) continue;
    const text = Array.isArray(value) ? value.join(", ") : String(value);
    if (text === "" || error.message.includes(text)) continue;
    lines.push(
      `  ${escapeText(name)}: ${truncateToWidth(escapeText(text.slice(0, 4 * DETAIL_WIDTH_MAX)), DETAIL_WIDTH_MAX)}`,
    );
  }
  return lines;
}

function sourceLines(error: BicoastalError, context: ErrorContext): string[] {
  if (!CODES_WITH_SOURCE.has(error.code)) return [];
  for (const stack of stacksOf(error)) {
    const place = firstUserFrame(stack, context.ownRoot);
    if (place === undefined) continue;
    return excerptLines(place, context.cwd).map((line) => `  ${line}`);
  }
  return [];
}

/** What the user's function threw comes before what we made of it. */
function stacksOf(error: BicoastalError): string[] {
  const stacks: string[] = [];
  for (const each of [...causesOf(error), error]) if (each.stack !== undefined) stacks.push(each.stack);
  return stacks;
}

function causesOf(error: Error): Error[] {
  const causes: Error[] = [];
  let next: unknown = error.cause;
  while (next instanceof Error && causes.length < CAUSES_MAX) {
    causes.push(next);
    next = next.cause;
  }
  return causes;
}

function causeLines(error: BicoastalError): string[] {
  return causesOf(error)
    .filter((cause) => !error.message.includes(cause.message))
    .map(
      (cause) =>
        `  caused by: ${escapeText(`${cause.name}: ${cause.message}`.slice(0, MESSAGE_CHARACTERS_MAX))}`,
    );
}

function bugLines(error: unknown, context: ErrorContext): string[] {
  const label = context.style("red", "internal error");
  const text =
    error instanceof Error ? `${error.name}: ${error.message}` : `Thrown, and not an Error: ${String(error)}`;
  const stack = error instanceof Error ? stackFrames(error) : [];
  const report =
    error instanceof InvariantViolation
      ? "This is a bug in Bicoastal. Please report it with the lines above."
      : "This should not have come this far: it is most likely a bug in Bicoastal. Please report it with the lines above.";
  return [`${label}: ${escapeLines(text.slice(0, MESSAGE_CHARACTERS_MAX))}`, ...stack, "", report];
}

const stackFrames = (error: Error): string[] =>
  (error.stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, STACK_LINES_MAX)
    .map(escapeText);

/** The same as one object: `{"error":{"code":…,"message":…,"retryable":…,"details":…,"job":…,"source":…}}`. */
export function errorJson(error: unknown, context: ErrorContext): string {
  const job = context.job === undefined ? {} : { job: context.job };
  return JSON.stringify({ error: { ...errorObject(error, context), ...job } });
}

interface ErrorObject {
  readonly code: ErrorCode | "INTERNAL";
  readonly message: string;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
  readonly source?: { readonly file: string; readonly line: number; readonly column: number };
  readonly stack?: readonly string[];
}

function errorObject(error: unknown, context: ErrorContext): ErrorObject {
  if (error instanceof BicoastalError) {
    const { code, message, retryable, details } = error;
    const stacks = CODES_WITH_SOURCE.has(code) ? stacksOf(error) : [];
    const source = stacks
      .map((stack) => firstUserFrame(stack, context.ownRoot))
      .find((place) => place !== undefined);
    return { code, message, retryable, details, ...(source === undefined ? {} : { source }) };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const stack = error instanceof Error ? { stack: stackFrames(error).map((line) => line.trim()) } : {};
  return { code: "INTERNAL", message, retryable: false, details: {}, ...stack };
}
