import { describe, expect, test } from "vitest";
import { InvariantViolation } from "../base/assert.ts";
import { type AttemptId, contentHash, epoch, jobId, nodeId, stageId } from "../base/ids.ts";
import type { TaskOutput } from "../plan/task.ts";
import type { JobSpec, StageShape } from "../protocol/job-spec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import { JobState } from "./job-state.ts";

const JOB = jobId("job-1");

/** Two map tasks feed one reduce task; a third stage has no task at all. */
const STAGES: readonly StageShape[] = [
  {
    id: stageId(0),
    label: "map",
    tasks: 2,
    dependsOn: [],
    input: { kind: "source", sourceIndex: 0 },
    broadcasts: [],
    sinkPartitions: [1],
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
  {
    id: stageId(2),
    label: "empty",
    tasks: 0,
    dependsOn: [],
    input: { kind: "source", sourceIndex: 1 },
    broadcasts: [],
    sinkPartitions: [1],
  },
];
const SPEC: JobSpec = {
  version: 1,
  id: JOB,
  name: "job",
  params: {},
  constants: { seed: "s", submittedAtMs: 0, bundle: contentHash("0") },
  fingerprint: "f",
  joins: [],
  stages: STAGES,
  ends: [],
  shape: "single",
  splits: [],
  policy: { attemptsMax: 1, taskTimeoutMs: undefined, retryDelayMs: 1, retryDelayMsMax: 1 },
};

const id = (stage: number, partition: number, attempt = 0, of = 1): AttemptId => ({
  stage: stageId(stage),
  partition,
  epoch: epoch(of),
  attempt,
});
const output = (key: string | null): TaskOutput => ({
  block: key === null ? undefined : { key, bytes: 1, checksum: 1 },
  files: [],
  rowsIn: 0,
  bytesIn: 0,
  sinkRows: [],
  counters: {},
});
const submitted: LogEvent = { kind: "submitted", job: JOB, spec: contentHash("1"), atMs: 0 };
const started = (number: number): LogEvent => {
  return { kind: "epochStarted", epoch: epoch(number), driver: nodeId("d"), atMs: number };
};
const done = (attempt: AttemptId, key: string | null = "k"): LogEvent => {
  return { kind: "taskCompleted", attempt, output: output(key) };
};
const lost = (attempt: AttemptId): LogEvent => ({ kind: "outputLost", attempt });
const all = [done(id(0, 0), "a"), done(id(0, 1), "b"), done(id(1, 0), "c")];
const committed: LogEvent = { kind: "committed", atMs: 9 };
const failed: LogEvent = {
  kind: "failed",
  atMs: 9,
  attempt: id(0, 0),
  error: { code: "USER_FUNCTION", message: "boom", retryable: true, details: {} },
};
const cancelled: LogEvent = { kind: "cancelled", atMs: 9, reason: "Ctrl-C" };

const record = (seq: number, of: number, ...events: readonly LogEvent[]): LogRecord => {
  return { version: 1, seq, epoch: epoch(of), events };
};
/** A log that was begun in epoch 1, and goes on with these events, one a record. */
const log = (...events: readonly LogEvent[]): readonly LogRecord[] => [
  record(0, 0, submitted),
  record(1, 1, started(1)),
  ...events.map((event, index) => record(index + 2, 1, event)),
];
const replay = (...events: readonly LogEvent[]): JobState => JobState.replay(SPEC, log(...events));

describe("each event", () => {
  test("a new job has no epoch, no record, and all to do", () => {
    const state = new JobState(SPEC);
    expect([state.epoch, state.nextSeq, state.status.kind]).toEqual([0, 0, "running"]);
    expect(STAGES.map((stage) => state.tasksRemaining(stage.id))).toEqual([2, 1, 0]);
    expect(STAGES.map((stage) => state.isStageComplete(stage.id))).toEqual([false, false, true]);
    expect(state.isComplete()).toBe(false);
    expect([...state.outputs()]).toEqual([]);
  });

  test("submitted and epochStarted say who drives", () => {
    const state = replay();
    expect([state.epoch, state.nextSeq, state.status.kind]).toEqual([1, 2, "running"]);
  });

  test("taskCompleted makes an attempt effective, and the job complete with the last of them", () => {
    const state = replay(done(id(0, 1), "b"));
    expect(state.completed(stageId(0), 0)).toBeUndefined();
    expect(state.completed(stageId(0), 1)?.attempt).toEqual(id(0, 1));
    expect(state.tasksRemaining(stageId(0))).toBe(1);
    expect(state.attemptOfBlock("b")).toEqual(id(0, 1));
    const whole = replay(all[2]!, all[1]!, all[0]!);
    expect(whole.isComplete()).toBe(true);
    // By stage and partition, whatever order they came in.
    expect([...whole.outputs()].map(({ output: { block } }) => block?.key)).toEqual(["a", "b", "c"]);
    expect(whole.blocksOf(stageId(0)).map(({ key }) => key)).toEqual(["a", "b"]);
    expect(whole.blocksOf(stageId(2))).toEqual([]);
    // An attempt with nothing to hand on has no block.
    const empty = replay(done(id(0, 0), null), done(id(0, 1), "b"));
    expect(empty.blocksOf(stageId(0)).map(({ key }) => key)).toEqual(["b"]);
  });

  test("a task that only writes files is complete without a block", () => {
    const state = replay(done(id(1, 0), null));
    expect(state.isStageComplete(stageId(1))).toBe(true);
  });

  test("outputLost takes it back, and another attempt takes its place", () => {
    const state = replay(...all, lost(id(0, 0)));
    expect(state.isComplete()).toBe(false);
    expect(state.completed(stageId(0), 0)).toBeUndefined();
    expect(state.attemptOfBlock("a")).toBeUndefined();
    state.applyRecord(record(6, 1, done(id(0, 0, 1), "a1")));
    expect(state.isComplete()).toBe(true);
    expect(state.blocksOf(stageId(0)).map(({ key }) => key)).toEqual(["a1", "b"]);
  });

  test("the blocks of a stage are those of now, also after they were asked for", () => {
    const state = replay(...all);
    expect(state.blocksOf(stageId(0)).map(({ key }) => key)).toEqual(["a", "b"]);
    state.applyRecord(record(5, 1, lost(id(0, 1)), done(id(0, 1, 1), "b1")));
    expect(state.blocksOf(stageId(0)).map(({ key }) => key)).toEqual(["a", "b1"]);
  });

  test("committed, failed and cancelled say how the job ended", () => {
    expect(replay(...all, committed).status).toEqual(committed);
    expect(replay(failed).status).toEqual(failed);
    expect(replay(cancelled).status).toEqual(cancelled);
  });

  test.each([failed, cancelled])(
    "a take-over sets the job going again after $kind, with what was done",
    (end) => {
      const state = replay(all[0]!, end);
      state.applyRecord(record(4, 2, started(2)));
      expect([state.status.kind, state.epoch]).toEqual(["running", 2]);
      expect(state.completed(stageId(0), 0)?.attempt).toEqual(id(0, 0));
      state.applyRecord(record(5, 2, done(id(0, 1, 0, 2))));
      expect(state.isStageComplete(stageId(0))).toBe(true);
    },
  );
});

test("a take-over may leave epochs out, of which other nodes have heard", () => {
  const state = JobState.replay(SPEC, [
    ...log(),
    record(2, 7, started(7)),
    record(3, 7, done(id(0, 0, 0, 7))),
  ]);
  expect(state.epoch).toBe(7);
});

describe("whether an attempt can go on in a later epoch", () => {
  const held = (of: number, holder: string): LogEvent => ({
    kind: "epochStarted",
    epoch: epoch(of),
    driver: nodeId("d"),
    atMs: 0,
    holder,
  });
  /** Records 0 and 1 begin, record 2 is the first epoch's last, record 3 begins the second. */
  const state = JobState.replay(SPEC, [
    record(0, 0, submitted),
    record(1, 1, held(1, "first")),
    record(2, 1, all[0]!),
    record(3, 2, held(2, "second")),
  ]);

  test.each([
    ["of whose driver the log has all that it had", true, id(0, 1), 3, "first"],
    ["as old as its driver", true, id(0, 1), 2, "first"],
    ["of another driver of that epoch", false, id(0, 1), 3, "other"],
    ["of a driver whose last records the log does not have", false, id(0, 1), 4, "first"],
    ["of an epoch that the log does not have", false, id(0, 1, 0, 5), 3, "first"],
    ["of this very epoch", false, id(0, 1, 0, 2), 4, "second"],
  ])("%s: %s", (_, can, attempt, asOfSeq, holder) => {
    expect(state.isAdoptable(attempt, asOfSeq, holder)).toBe(can);
  });
});

describe("what can never be in a log is refused", () => {
  const cases: readonly (readonly [string, readonly LogRecord[]])[] = [
    ["a gap", [record(0, 0, submitted), record(2, 1, started(1))]],
    ["a record that stands twice", [record(0, 0, submitted), record(0, 0, submitted)]],
    ["a log that does not begin with the submission", [record(0, 1, started(1))]],
    ["a first record without events", [record(0, 0)]],
    ["a second submission", log(submitted)],
    ["an epoch that decreases", [...log(), record(2, 2, started(2)), record(3, 1, all[0]!)]],
    ["an epoch that is started twice", log(started(1))],
    ["a record of an epoch that nobody started", [...log(), record(2, 2, all[0]!)]],
    ["a record of another epoch than the one it starts", [...log(), record(2, 3, started(2))]],
    ["a task that completes twice", log(all[0]!, done(id(0, 0, 1)))],
    ["a task of a stage that the plan does not have", log(done(id(3, 0)))],
    ["a task of a partition that the plan does not have", log(done(id(0, 2)))],
    ["a loss of what was not complete", log(lost(id(0, 0)))],
    ["a loss of another attempt than the effective one", log(all[0]!, lost(id(0, 0, 1)))],
    ["a loss of a task that the plan does not have", log(lost(id(7, 0)))],
    ["a loss after the end", log(all[0]!, cancelled, lost(id(0, 0)))],
    ["a task that completes after the end", log(failed, all[0]!)],
    ["a commit of what is not complete", log(all[0]!, committed)],
    ["an end after the end", log(failed, cancelled)],
    ["a commit after the end", log(...all, cancelled, committed)],
    ["a take-over of a committed job", [...log(...all, committed), record(6, 2, started(2))]],
  ];

  test.each(cases)("%s", (_, records) => {
    expect(() => JobState.replay(SPEC, records)).toThrow(InvariantViolation);
  });

  test("blocks of a stage that is not complete are not given", () => {
    expect(() => replay(all[0]!).blocksOf(stageId(0))).toThrow(InvariantViolation);
  });
});
