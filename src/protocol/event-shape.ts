/** What each kind of log event must have, so that whoever builds a state from it can rely on its types. */
import type { LogEvent } from "./log-event.ts";
import {
  fieldsOf,
  isCount,
  isFields,
  isFlag,
  isNumber,
  isText,
  listOf,
  mapOf,
  optional,
  type Shape,
} from "./shape.ts";

export const attempt = fieldsOf({ stage: isCount, partition: isCount, epoch: isCount, attempt: isCount });

export const block = fieldsOf({ key: isText, bytes: isCount, checksum: isCount, node: optional(isText) });

export const output = fieldsOf({
  block: optional(block),
  files: listOf(
    fieldsOf({ endIndex: isCount, sink: isCount, staged: isText, bytes: isCount, rows: isCount }),
  ),
  rowsIn: isCount,
  bytesIn: isCount,
  sinkRows: listOf(isCount),
  counters: mapOf(isNumber),
});

export const error = fieldsOf({
  code: isText,
  message: isText,
  retryable: isFlag,
  details: isFields,
  stack: optional(isText),
});

export const EVENT_SHAPES: Readonly<Record<LogEvent["kind"], Shape>> = {
  submitted: fieldsOf({ job: isText, spec: isText, atMs: isNumber }),
  epochStarted: fieldsOf({ epoch: isCount, driver: isText, atMs: isNumber, holder: optional(isText) }),
  taskCompleted: fieldsOf({ attempt, output }),
  outputLost: fieldsOf({ attempt }),
  committed: fieldsOf({ atMs: isNumber }),
  failed: fieldsOf({ atMs: isNumber, attempt: optional(attempt), error }),
  cancelled: fieldsOf({ atMs: isNumber, reason: isText }),
};
