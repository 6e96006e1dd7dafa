import { expect, test } from "vitest";
import { epoch, jobId, stageId } from "../../base/ids.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { NewEntry } from "../../plan/task-logs.ts";
import type { TaskObserver, TaskRequest, TaskRunner } from "../../ports/task-runner.ts";
import { entryOfEvent } from "./event-entries.ts";
import { loggingRunner } from "./logging-runner.ts";

const attempt = { stage: stageId(1), partition: 2, epoch: epoch(3), attempt: 4 };
const request = { job: { job: jobId("j") }, assignment: { attempt } } as unknown as TaskRequest;

/** A runner whose one task says and does this. */
const runner = (does: (observer: TaskObserver) => TaskOutcome): TaskRunner => ({
  slots: 1,
  room: () => 1,
  run: async (_, observer) => does(observer),
  stop: () => {},
  close: async () => {},
});

async function logged(...tasks: readonly ((observer: TaskObserver) => TaskOutcome)[]) {
  const written: [string, NewEntry][] = [];
  const passedOn: string[] = [];
  let next = 0;
  const logging = loggingRunner(
    runner((observer) => tasks[next++]!(observer)),
    { write: (job, entry) => written.push([job, entry]) },
  );
  const observer = {
    onProgress: () => passedOn.push("progress"),
    onLog: ({ message }: { readonly message: string }) => passedOn.push(message),
  };
  const outcomes: string[] = [];
  for (const _ of tasks) outcomes.push((await logging.run(request, observer)).kind);
  await Promise.resolve();
  return { written, passedOn, outcomes };
}

test("what a task says is written with its attempt, and passed on", async () => {
  const { written, passedOn, outcomes } = await logged((observer) => {
    observer.onLog({ message: "hello", fields: '{"n":1}' });
    observer.onProgress({ rowsIn: 1, bytesIn: 1 });
    return { kind: "stopped" };
  });
  expect(written).toEqual([["j", { level: "info", attempt, message: "hello", fields: '{"n":1}' }]]);
  expect([passedOn, outcomes]).toEqual([["hello", "progress"], ["stopped"]]);
});

test("an attempt that fails says of what; one that missed others' blocks only warns", async () => {
  const error = {
    code: "THREAD_DIED" as const,
    message: "gone",
    retryable: true,
    details: {},
    stack: "at x",
  };
  const { written, outcomes } = await logged(
    () => ({ kind: "failed", error, lostBlocks: [] }),
    () => ({ kind: "failed", error: { ...error, code: "BLOB_MISSING" }, lostBlocks: ["a"] }),
  );
  expect(written.map(([, { level, message, error: of }]) => [level, message, of])).toEqual([
    ["error", "gone", { code: "THREAD_DIED", details: {}, stack: "at x" }],
    ["warn", "gone", { code: "BLOB_MISSING", details: {}, stack: "at x" }],
  ]);
  expect(outcomes).toEqual(["failed", "failed"]);
});

test("a call that is warned of is warned of once in a job", async () => {
  const warn = (observer: TaskObserver): TaskOutcome => {
    observer.onLog({ message: "uses chance", fields: undefined, warning: "Math.random" });
    observer.onLog({ message: "uses the clock", fields: undefined, warning: "Date.now" });
    return { kind: "stopped" };
  };
  const { written } = await logged(warn, warn);
  expect(written.map(([, { level, message }]) => `${level} ${message}`)).toEqual([
    "warn uses chance",
    "warn uses the clock",
  ]);
});

test("a driver's log names what went wrong, and not what goes on all the time", () => {
  const stage = stageId(1);
  const error = { code: "USER_FUNCTION" as const, message: "no", retryable: true, details: {} };
  const failed = { kind: "taskFailed", stage, partition: 2, tries: 1, triesMax: 3, error } as const;
  expect(entryOfEvent({ ...failed, retryInMs: 100 })?.message).toContain("try 1 of 3 of task s1.p2 failed");
  expect(entryOfEvent({ ...failed, retryInMs: undefined })?.level).toBe("error");
  expect(entryOfEvent({ kind: "outputLost", stage, partition: 2 })?.message).toContain("s1.p2");
  const started = { kind: "started", job: jobId("j"), stages: [] } as const;
  expect(entryOfEvent({ ...started, tasksResumed: 0 })).toBeUndefined();
  expect(entryOfEvent({ ...started, tasksResumed: 5 })?.message).toContain("5 tasks");
  expect(entryOfEvent({ kind: "log", stage, partition: 2, message: "x", fields: undefined })).toBeUndefined();
});
