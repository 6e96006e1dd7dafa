/**
 * Log records and job specs as bytes: JSON in UTF-8 with a version. A version or a kind this build does not know is
 * refused, never guessed at: a newer build may have written it.
 */
import { BicoastalError } from "../base/errors.ts";
import type { JobSpec } from "./job-spec.ts";
import type { LogEvent, LogRecord } from "./log-event.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export const encodeJson = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

export function encodeRecord(record: LogRecord): Uint8Array {
  return encodeJson(record);
}

/** @param source Names the bytes in the error. */
export function decodeRecord(bytes: Uint8Array, source: string): LogRecord {
  const record = decodeVersioned(bytes, source);
  const { seq, epoch, events } = record;
  if (!isCount(seq) || !isCount(epoch) || !Array.isArray(events)) throw corrupt(source, "not a log record");
  for (const event of events) checkEvent(event, source);
  return record as unknown as LogRecord;
}

export function decodeSpec(bytes: Uint8Array, source: string): JobSpec {
  const spec = decodeVersioned(bytes, source);
  const lists = [spec.stages, spec.ends, spec.splits];
  if (typeof spec.id !== "string" || !lists.every(Array.isArray)) throw corrupt(source, "not a job");
  return spec as unknown as JobSpec;
}

type Fields = Readonly<Record<string, unknown>>;

function decodeVersioned(bytes: Uint8Array, source: string): Fields {
  const value = decodeObject(bytes, source);
  if (value.version !== 1)
    throw corrupt(source, `of version ${String(value.version)}, and this build reads version 1`);
  return value;
}

/** Any JSON object. */
export function decodeObject(bytes: Uint8Array, source: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw corrupt(source, "not JSON", cause);
  }
  if (!isFields(value)) throw corrupt(source, "not a JSON object");
  return value;
}

/** What each kind of event must have for the driver's state to be built from it. */
const EVENT_FIELDS: Readonly<Record<LogEvent["kind"], (event: Fields) => boolean>> = {
  submitted: (event) => typeof event.job === "string" && typeof event.spec === "string",
  epochStarted: (event) => isCount(event.epoch) && typeof event.driver === "string",
  taskCompleted: (event) =>
    isAttempt(event.attempt) && isFields(event.output) && Array.isArray(event.output.files),
  outputLost: (event) => isAttempt(event.attempt),
  committed: (event) => typeof event.atMs === "number",
  failed: (event) => isFields(event.error) && typeof event.error.message === "string",
  cancelled: (event) => typeof event.reason === "string",
};

function checkEvent(event: unknown, source: string): void {
  const kind = isFields(event) ? event.kind : undefined;
  if (typeof kind !== "string" || !Object.hasOwn(EVENT_FIELDS, kind)) {
    throw corrupt(source, `with an event this build does not know: ${String(kind)}`);
  }
  if (!EVENT_FIELDS[kind as LogEvent["kind"]](event as Fields))
    throw corrupt(source, `with a broken ${kind} event`);
}

function isAttempt(value: unknown): boolean {
  return isFields(value) && [value.stage, value.partition, value.epoch, value.attempt].every(isCount);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function corrupt(source: string, what: string, cause?: unknown): BicoastalError {
  const message = `${source} is ${what}. It was damaged, or written by another version of Bicoastal: use that version, or remove the job.`;
  return new BicoastalError("STORE_CORRUPT", message, { details: { source }, cause });
}
