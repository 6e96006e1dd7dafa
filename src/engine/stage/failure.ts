/**
 * What a failure inside a stage's loop becomes for the user: which operator, which line of their source, which
 * record. Only built when something failed, so it may be slow.
 */
import { InvariantViolation } from "../../base/assert.ts";
import { BicoastalError, type ErrorCode, type ErrorDetails } from "../../base/errors.ts";
import type { RecordPlace } from "../batch.ts";
import { sizeLimitOf } from "./size-limits.ts";
import { userStackOf } from "./stack.ts";
import { Stopped } from "./stopped.ts";

const MESSAGE_CHARS_MAX = 4000;

/** A place in a stage's code where something can fail. */
export interface Site {
  /** `map(parse)`, `key function of countBy`, `write jsonl`. */
  readonly label: string;
  /** Whether the user's function is called right there; a sink may also fail for reasons of its own. */
  readonly calls: "user" | "sink";
  /** Whether it gathers records and works on them together, so that the failing one may have come shortly before. */
  readonly late: boolean;
}

/** A user's function gave something it must not. The loop's host adds who and where. */
export class UserMistake extends Error {
  override readonly name = "UserMistake";
  readonly code: ErrorCode;
  /** @param what Goes on from the operator's label: `returned a promise: …`. */
  constructor(code: ErrorCode, what: string) {
    super(what);
    this.code = code;
  }
}

/** Failures about one record; others (a full disk) are not made clearer by naming one. */
const ABOUT_RECORDS: ReadonlySet<ErrorCode> = new Set([
  "USER_FUNCTION",
  "KEY_INVALID",
  "VALUE_UNENCODABLE",
  "GROUP_CONSUMED",
]);

/** @returns What to throw instead; the same object where it is not the user's doing. */
export function explainFailure(thrown: unknown, site: Site, place: RecordPlace | undefined): unknown {
  if (thrown instanceof InvariantViolation || thrown instanceof Stopped) return thrown;
  if (thrown instanceof UserMistake) {
    const message = `${site.label} ${thrown.message}${sentenceOf(place, site)}`;
    return new BicoastalError(thrown.code, message, { details: detailsOf(site, undefined, place) });
  }
  if (thrown instanceof BicoastalError) return withPlace(thrown, site, place);
  const { text, stack } = describeThrown(thrown);
  const user = userStackOf(stack);
  const limit = sizeLimitOf(text);
  if (site.calls === "sink" && user.source === undefined && limit === undefined) return thrown;
  const at = user.source === undefined ? "" : ` at ${user.source}`;
  const error = new BicoastalError(
    limit === undefined ? "USER_FUNCTION" : "OUT_OF_MEMORY",
    `${site.label} failed${at}: ${text}${limit === undefined ? "" : `. ${limit.advice}`}${sentenceOf(place, site)}`,
    { retryable: limit?.passing ?? true, details: detailsOf(site, user.source, place), cause: thrown },
  );
  error.stack = [`${error.name}: ${error.message}`, ...user.frames].join("\n");
  return error;
}

function withPlace(error: BicoastalError, site: Site, place: RecordPlace | undefined): BicoastalError {
  if (!ABOUT_RECORDS.has(error.code) || "operator" in error.details) return error;
  const known = "file" in error.details || "record" in error.details;
  const message = known ? error.message : `${error.message}${sentenceOf(place, site)}`;
  const details = { ...detailsOf(site, undefined, known ? undefined : place), ...error.details };
  const explained = new BicoastalError(error.code, message, {
    retryable: error.retryable,
    details,
    cause: error,
  });
  const frames = userStackOf(error.stack).frames;
  explained.stack = [`${explained.name}: ${explained.message}`, ...frames].join("\n");
  return explained;
}

/** ` The record: line 17 of /data/a.txt (byte 1042): {"id": 3}.`, as much of it as is known. */
function sentenceOf(place: RecordPlace | undefined, site: Site): string {
  if (place === undefined) return "";
  const { file, line, byteOffset, excerpt } = place;
  const where = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(file === undefined ? [] : [line === undefined ? file : `of ${file}`]),
    ...(byteOffset === undefined ? [] : [`(byte ${byteOffset})`]),
  ].join(" ");
  if (where === "" && excerpt === undefined) return "";
  const which = site.late ? "The record, or one shortly before it" : "The record";
  return `\n${which}: ${[where, excerpt].filter((part) => part !== undefined && part !== "").join(": ")}`;
}

function detailsOf(site: Site, source: string | undefined, place: RecordPlace | undefined): ErrorDetails {
  return {
    operator: site.label,
    ...(source === undefined ? {} : { source }),
    ...(place?.file === undefined ? {} : { file: place.file }),
    ...(place?.line === undefined ? {} : { line: place.line }),
    ...(place?.byteOffset === undefined ? {} : { byteOffset: place.byteOffset }),
    ...(place?.excerpt === undefined ? {} : { record: place.excerpt }),
  };
}

/** Users throw anything, from other realms too, and with getters that throw. */
function describeThrown(thrown: unknown): { text: string; stack: string | undefined } {
  try {
    if (typeof thrown === "object" && thrown !== null && "message" in thrown) {
      const { name, message, stack } = thrown as { name?: unknown; message: unknown; stack?: unknown };
      const text = `${typeof name === "string" && name !== "" ? name : "Error"}: ${String(message)}`;
      return { text: cut(text), stack: typeof stack === "string" ? stack : undefined };
    }
    return { text: cut(`threw ${String(thrown)}, which is not an Error`), stack: undefined };
  } catch {
    return { text: "threw something that cannot be shown", stack: undefined };
  }
}

const cut = (text: string): string =>
  text.length <= MESSAGE_CHARS_MAX ? text : `${text.slice(0, MESSAGE_CHARS_MAX)}…`;
