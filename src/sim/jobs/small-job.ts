/** A job of three tasks, and the log of its run, for tests that need a job and no engine. */
import {
  type AttemptId,
  attemptKey,
  contentHash,
  epoch,
  type JobId,
  jobId,
  nodeId,
  stageId,
} from "../../base/ids.ts";
import type { TaskOutput } from "../../plan/task.ts";
import type { EndShape, JobSpec, StageShape } from "../../protocol/job-spec.ts";
import type { LogEvent, LogRecord } from "../../protocol/log-event.ts";

export const SMALL_JOB: JobId = jobId("small-1");

const STAGES: readonly StageShape[] = [
  {
    id: stageId(0),
    label: "map",
    tasks: 2,
    dependsOn: [],
    input: { kind: "source", sourceIndex: 0 },
    broadcasts: [],
    sinkPartitions: [1, 1],
  },
  {
    id: stageId(1),
    label: "reduce",
    tasks: 1,
    dependsOn: [stageId(0)],
    input: { kind: "shuffle", sides: [[{ stage: stageId(0), sink: 0 }]] },
    broadcasts: [],
    sinkPartitions: [1],
  },
];

/** What the reduce task collects. */
export const COLLECT_END: EndShape = {
  name: "result",
  producers: [{ stage: stageId(1), sink: 0 }],
  end: { kind: "collect", rowsMax: 10, single: false },
};

/** Two map tasks, on splits of 100 and 300 bytes, then one reduce task. */
export function smallSpec(changes: Partial<JobSpec> = {}): JobSpec {
  const file = { path: "/data/a.txt", sizeBytes: 400, mtimeMs: 0 };
  return {
    version: 1,
    id: SMALL_JOB,
    name: "small",
    params: { input: "a.txt" },
    constants: { seed: "s", submittedAtMs: 1_000, bundle: contentHash("0") },
    fingerprint: "f",
    joins: [],
    stages: STAGES,
    ends: [COLLECT_END],
    shape: "single",
    splits: [
      [
        { kind: "bytes", file, start: 0, end: 100 },
        { kind: "bytes", file, start: 100, end: 400 },
      ],
    ],
    policy: { attemptsMax: 2, taskTimeoutMs: undefined, retryDelayMs: 1, retryDelayMsMax: 10 },
    ...changes,
  };
}

export function attemptOf(stage: number, partition: number, attempt = 0, of = 1): AttemptId {
  return { stage: stageId(stage), partition, epoch: epoch(of), attempt };
}

/** An attempt's output: a block named after it. */
export function outputOf(attempt: AttemptId, changes: Partial<TaskOutput> = {}): TaskOutput {
  return {
    block: { key: attemptKey(attempt), bytes: 1, checksum: 1 },
    files: [],
    rowsIn: 10,
    bytesIn: 100,
    sinkRows: [1],
    counters: {},
    ...changes,
  };
}

export const completionOf = (attempt: AttemptId, changes: Partial<TaskOutput> = {}): LogEvent => {
  return { kind: "taskCompleted", attempt, output: outputOf(attempt, changes) };
};

/** Whose the first epoch of a small log is. */
export const FIRST_HOLDER = "first";

/** The log of a job that was begun in epoch 1, and goes on with these events, one a record. */
export function smallLog(...events: readonly LogEvent[]): readonly LogRecord[] {
  const submitted: LogEvent = { kind: "submitted", job: SMALL_JOB, spec: contentHash("1"), atMs: 1_000 };
  const started: LogEvent = {
    kind: "epochStarted",
    epoch: epoch(1),
    driver: nodeId("d"),
    atMs: 1_000,
    holder: FIRST_HOLDER,
  };
  return [submitted, started, ...events].map((event, seq) => {
    return { version: 1, seq, epoch: epoch(seq === 0 ? 0 : 1), events: [event] };
  });
}
