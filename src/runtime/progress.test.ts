import { describe, expect, it } from "vitest";
import type { AttemptId } from "../base/ids.ts";
import type { DriverNote } from "../core/effect.ts";
import { JobState } from "../core/job-state.ts";
import type { SourceSplit } from "../plan/task.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import type { LogEvent } from "../protocol/log-event.ts";
import { attemptOf, completionOf, outputOf, smallLog, smallSpec } from "../sim/jobs/small-job.ts";
import { ProgressMeter } from "./progress.ts";

const [A, B, REDUCE] = [attemptOf(0, 0), attemptOf(0, 1), attemptOf(1, 0)];

function meterOf(spec: JobSpec = smallSpec(), events: readonly LogEvent[] = [], nowMs = 0): ProgressMeter {
  return new ProgressMeter(JobState.replay(spec, smallLog(...events)), nowMs);
}
const completed = (attempt: AttemptId, rowsIn = 10, bytesIn = 100): DriverNote => {
  return { kind: "taskCompleted", completed: { attempt, output: outputOf(attempt, { rowsIn, bytesIn }) } };
};
const failed = (attempt: AttemptId): DriverNote => ({
  kind: "taskFailed",
  attempt,
  tries: 1,
  triesMax: 2,
  error: { code: "USER_FUNCTION", message: "boom", retryable: true, details: {} },
  retryInMs: 5,
});

describe("progress", () => {
  it("begins with all to do, nothing known of the time to come, and no division by a time of zero", () => {
    expect(meterOf().read(0)).toEqual({
      tasksDone: 0,
      tasksRunning: 0,
      tasksTotal: 3,
      stage: "map",
      rows: 0,
      bytes: 0,
      bytesTotal: 400,
      elapsedMs: 0,
      rowsPerSecond: 0,
      bytesPerSecond: 0,
      etaMs: undefined,
    });
  });

  it("adds what runs to what is done, and counts the rows of sources only", () => {
    const meter = meterOf();
    meter.onTaskProgress(A, { rowsIn: 4, bytesIn: 40 });
    meter.onTaskProgress(A, { rowsIn: 6, bytesIn: 60 });
    meter.onNote(completed(B, 10, 300));
    meter.onTaskProgress(REDUCE, { rowsIn: 99, bytesIn: 999 });
    expect(meter.read(1)).toMatchObject({ tasksDone: 1, tasksRunning: 2, rows: 16, bytes: 360 });
    meter.onNote(completed(A));
    meter.onNote(completed(REDUCE, 99, 999));
    expect(meter.read(1)).toMatchObject({ tasksDone: 3, tasksRunning: 0, rows: 20, bytes: 400 });
  });

  it("counts no attempt that failed, not even where it goes on for a while", () => {
    const meter = meterOf();
    meter.onTaskProgress(A, { rowsIn: 7, bytesIn: 70 });
    meter.onNote(failed(A));
    expect(meter.read(1)).toMatchObject({ tasksRunning: 0, rows: 0 });
    // It ran out of time, is being stopped, and still speaks.
    meter.onTaskProgress(A, { rowsIn: 8, bytesIn: 80 });
    const again = attemptOf(0, 0, 1);
    meter.onTaskProgress(again, { rowsIn: 2, bytesIn: 20 });
    expect(meter.read(1)).toMatchObject({ tasksRunning: 1, rows: 2, bytes: 20 });
    meter.onNote(completed(again));
    expect(meter.read(1)).toMatchObject({ tasksDone: 1, tasksRunning: 0, rows: 10, bytes: 100 });
  });

  it("counts no attempt that was dropped: stopped, or without its input", () => {
    const meter = meterOf();
    meter.onTaskProgress(REDUCE, { rowsIn: 1, bytesIn: 1 });
    meter.onTaskProgress(A, { rowsIn: 7, bytesIn: 70 });
    meter.onTaskDropped(A);
    meter.onTaskDropped(REDUCE);
    meter.onTaskDropped(REDUCE);
    expect(meter.read(1)).toMatchObject({ tasksRunning: 0, rows: 0, bytes: 0 });
  });

  it("takes back what is lost", () => {
    const meter = meterOf();
    meter.onNote(completed(A));
    meter.onTaskProgress(B, { rowsIn: 3, bytesIn: 30 });
    meter.onNote({ kind: "outputLost", lost: { attempt: A, output: outputOf(A) } });
    expect(meter.read(1)).toMatchObject({ tasksDone: 0, tasksRunning: 1, rows: 3, bytes: 30 });
    meter.onNote({ kind: "workerLost", worker: "w" as never });
    expect(meter.read(1)).toMatchObject({ tasksRunning: 0, rows: 0 });
  });

  it("goes on from where a resumed job was", () => {
    const meter = meterOf(
      smallSpec(),
      [completionOf(A), completionOf(B, { rowsIn: 5, bytesIn: 300 })],
      9_000,
    );
    expect(meter.tasksResumed).toBe(2);
    // What others did is no speed of this run.
    expect(meter.read(9_100)).toMatchObject({
      tasksDone: 2,
      rows: 15,
      bytes: 400,
      stage: "reduce",
      elapsedMs: 100,
      rowsPerSecond: 0,
      bytesPerSecond: 0,
    });
  });

  it("says that a complete job is being committed", () => {
    expect(
      meterOf(
        smallSpec(),
        [A, B, REDUCE].map((id) => completionOf(id)),
      ).read(1).stage,
    ).toBe("commit");
  });

  it("knows how much there is to read, of files", () => {
    const file = { path: "/a", sizeBytes: 70, mtimeMs: 0 };
    const splits: readonly SourceSplit[] = [
      { kind: "files", files: [file, file] },
      { kind: "items", start: 0, end: 1_000 },
    ];
    expect(meterOf(smallSpec({ splits: [splits] })).read(0).bytesTotal).toBe(140);
  });
});

describe("rates", () => {
  it("are those of the last five seconds", () => {
    const meter = meterOf();
    for (let second = 1; second <= 10; second++) {
      meter.onTaskProgress(A, { rowsIn: 100 * second, bytesIn: 1_000 * second });
      expect(meter.read(1_000 * second)).toMatchObject({ rowsPerSecond: 100, bytesPerSecond: 1_000 });
    }
    // Then it goes ten times as fast, and soon the rate says so.
    for (let second = 11; second <= 16; second++) {
      meter.onTaskProgress(A, { rowsIn: 1_000 + 1_000 * (second - 10), bytesIn: 0 });
      meter.read(1_000 * second);
    }
    expect(meter.read(16_000).rowsPerSecond).toBe(1_000);
  });

  it("are never below nothing, whatever is lost", () => {
    const meter = meterOf();
    meter.onTaskProgress(A, { rowsIn: 100, bytesIn: 1_000 });
    meter.read(1_000);
    meter.onNote(failed(A));
    meter.read(2_000);
    for (let ms = 2_000; ms < 9_000; ms += 500) {
      const { rowsPerSecond, bytesPerSecond } = meter.read(ms);
      expect([rowsPerSecond, bytesPerSecond]).toEqual([0, 0]);
    }
  });
});

describe("the time to come", () => {
  const stages = smallSpec().stages.map((stage, index) => (index === 0 ? { ...stage, tasks: 9 } : stage));
  const long = smallSpec({ stages });

  it("is not guessed before two seconds and two tasks", () => {
    const meter = meterOf(long);
    meter.onNote(completed(A));
    expect(meter.read(10_000).etaMs).toBeUndefined();
    meter.onNote(completed(B));
    expect(meter.read(1_999).etaMs).toBeUndefined();
    expect(meter.read(2_000).etaMs).toBe((2_000 / 2) * 8);
  });

  it("goes by the tasks of this run, not by those of an earlier one", () => {
    const meter = meterOf(
      long,
      [0, 1, 2, 3].map((partition) => completionOf(attemptOf(0, partition))),
    );
    expect(meter.read(60_000).etaMs).toBeUndefined();
    meter.onNote(completed(attemptOf(0, 4)));
    meter.onNote(completed(attemptOf(0, 5)));
    expect(meter.read(4_000).etaMs).toBe(2_000 * 4);
  });

  it("is nothing when all is done, and unknown again where nothing of this run is left", () => {
    const meter = meterOf(smallSpec(), [completionOf(A)]);
    meter.onNote(completed(B));
    meter.onNote(completed(REDUCE));
    expect(meter.read(5_000).etaMs).toBe(0);
    for (const lost of [A, B, REDUCE]) {
      meter.onNote({ kind: "outputLost", lost: { attempt: lost, output: outputOf(lost) } });
    }
    expect(meter.read(6_000).etaMs).toBeUndefined();
  });
});
