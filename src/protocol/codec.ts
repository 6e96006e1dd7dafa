/**
 * Log records and job specs as bytes: JSON in UTF-8 with a version. A version or a kind this build does not know is
 * refused, never guessed at: a newer build may have written it.
 */
import { BicoastalError } from "../base/errors.ts";
import { type TaskId, taskKey } from "../base/ids.ts";
import { EVENT_SHAPES } from "./event-shape.ts";
import type { JobSpec } from "./job-spec.ts";
import type { LogEvent, LogRecord } from "./log-event.ts";
import { PACKED_KIND, packCompletions, unpackCompletions } from "./packed-completions.ts";
import { type Fields, isCount, isFields, isNumber, isText } from "./shape.ts";
import { isSpec } from "./spec-shape.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export const encodeJson = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));

export function encodeRecord(record: LogRecord): Uint8Array {
  return encodeJson({ ...record, events: packCompletions(record.events) });
}

/** @param source Names the bytes in the error. */
export function decodeRecord(bytes: Uint8Array, source: string): LogRecord {
  const record = decodeVersioned(bytes, source);
  const { seq, epoch, events } = record;
  if (!isCount(seq) || !isCount(epoch) || !Array.isArray(events))
    throw corruptStore(source, "not a log record");
  const unpacked = events.some(isPacked) ? events.flatMap((event) => unpack(event, source)) : events;
  for (const event of unpacked) checkEvent(event, source);
  return { ...record, events: unpacked } as unknown as LogRecord;
}

const isPacked = (event: unknown): event is Fields => isFields(event) && event.kind === PACKED_KIND;

function unpack(event: unknown, source: string): readonly unknown[] {
  if (!isPacked(event)) return [event];
  const completions = unpackCompletions(event);
  if (completions === undefined) throw corruptStore(source, `with a broken ${PACKED_KIND} event`);
  return completions;
}

/**
 * Refuses records that cannot be this job's log: a gap, or a task that the job does not have. Each was decoded before.
 * @param source Names the log in the error.
 */
export function checkLog(spec: JobSpec, records: readonly LogRecord[], source: string): void {
  const hasTask = ({ stage, partition }: TaskId): boolean => partition < (spec.stages[stage]?.tasks ?? 0);
  records.forEach(({ seq, events }, index) => {
    if (seq !== index) throw corruptStore(source, `without its record ${index}`);
    for (const event of events) {
      if ("attempt" in event && event.attempt !== undefined && !hasTask(event.attempt))
        throw corruptStore(source, `of another job: this one has no task ${taskKey(event.attempt)}`);
    }
  });
}

export function decodeSpec(bytes: Uint8Array, source: string): JobSpec {
  const spec = decodeVersioned(bytes, source);
  if (!isSpec(spec)) throw corruptStore(source, "not a job");
  return spec;
}

function decodeVersioned(bytes: Uint8Array, source: string): Fields {
  const value = decodeObject(bytes, source);
  if (value.version !== 1)
    throw corruptStore(source, `of version ${shown(value.version)}, and this build reads version 1`);
  return value;
}

/** Any JSON object. */
export function decodeObject(bytes: Uint8Array, source: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw corruptStore(source, "not JSON", cause);
  }
  if (!isFields(value)) throw corruptStore(source, "not a JSON object");
  return value;
}

function checkEvent(event: unknown, source: string): void {
  const kind = isFields(event) ? event.kind : undefined;
  if (!isText(kind) || !Object.hasOwn(EVENT_SHAPES, kind)) {
    throw corruptStore(source, `with an event this build does not know: ${shown(kind)}`);
  }
  if (!EVENT_SHAPES[kind as LogEvent["kind"]](event))
    throw corruptStore(source, `with a broken ${kind} event`);
}

/** Whatever it is, in few characters. */
const shown = (value: unknown): string =>
  isText(value) ? JSON.stringify(value.slice(0, 40)) : isNumber(value) ? String(value) : typeof value;

/** What is stored under this name cannot be used: `The thing is not a log record.` and what to do about it. */
export function corruptStore(source: string, what: string, cause?: unknown): BicoastalError {
  const message = `${source} is ${what}. It was damaged, or written by another version of Bicoastal: use that version, or remove the job.`;
  return new BicoastalError("STORE_CORRUPT", message, { details: { source }, cause });
}
