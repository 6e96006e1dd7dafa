/** What a job spec must have, so that the driver and the board can rely on its types and its inner references. */
import { type JobSpec, TASKS_MAX } from "./job-spec.ts";
import {
  fieldsOf,
  isCount,
  isFlag,
  isNumber,
  isText,
  isWhole,
  kindsOf,
  listOf,
  oneOf,
  optional,
} from "./shape.ts";

const producer = fieldsOf({ stage: isCount, sink: isCount });
const file = fieldsOf({ path: isText, sizeBytes: isCount, mtimeMs: isWhole, etag: optional(isText) });

export const split = kindsOf({
  bytes: fieldsOf({ file, start: isCount, end: isCount }),
  files: fieldsOf({ files: listOf(file) }),
  items: fieldsOf({ start: isCount, end: isCount }),
});

const stage = fieldsOf({
  id: isCount,
  label: isText,
  tasks: isCount,
  dependsOn: listOf(isCount),
  input: kindsOf({
    source: fieldsOf({ sourceIndex: isCount }),
    shuffle: fieldsOf({ sides: listOf(listOf(producer)) }),
  }),
  broadcasts: listOf(listOf(producer)),
  sinkPartitions: listOf(isCount),
});

const end = fieldsOf({
  name: isText,
  producers: listOf(producer),
  end: kindsOf({
    collect: fieldsOf({ rowsMax: isCount, single: isFlag }),
    write: fieldsOf({ format: oneOf("jsonl", "csv", "text"), directory: isText, overwrite: isFlag }),
  }),
});

export const constants = fieldsOf({ seed: isText, submittedAtMs: isNumber, bundle: isText });
export const joins = listOf(oneOf("shuffle", "left", "right"));

const spec = fieldsOf({
  id: isText,
  name: isText,
  constants,
  fingerprint: isText,
  trace: optional(isText),
  joins,
  stages: listOf(stage),
  ends: listOf(end),
  shape: oneOf("single", "record"),
  splits: listOf(listOf(split)),
  policy: fieldsOf({
    attemptsMax: isCount,
    taskTimeoutMs: optional(isNumber),
    retryDelayMs: isNumber,
    retryDelayMsMax: isNumber,
  }),
});

/** @param value Decoded JSON. */
export function isSpec(value: unknown): value is JobSpec {
  if (!spec(value)) return false;
  const { stages, ends, splits } = value as JobSpec;
  const tasks = stages.reduce((sum, { tasks: count }) => sum + count, 0);
  return (
    tasks <= TASKS_MAX &&
    stages.every((of, index) => of.id === index && isWired(of, stages, splits)) &&
    ends.every(({ producers }) => producers.every(({ stage: from, sink }) => hasSink(stages[from], sink)))
  );
}

/** Whether the stage reads only what earlier stages and the sources give, and waits for all that it reads. */
function isWired(
  { id, tasks, input, broadcasts, dependsOn }: JobSpec["stages"][number],
  stages: JobSpec["stages"],
  splits: JobSpec["splits"],
): boolean {
  if (!dependsOn.every((earlier) => earlier < id)) return false;
  if (input.kind === "source" && splits[input.sourceIndex]?.length !== tasks) return false;
  return [...(input.kind === "source" ? [] : input.sides), ...broadcasts]
    .flat()
    .every(({ stage: from, sink }) => dependsOn.includes(from) && hasSink(stages[from], sink));
}

const hasSink = (of: JobSpec["stages"][number] | undefined, sink: number): boolean =>
  of !== undefined && sink < of.sinkPartitions.length;
