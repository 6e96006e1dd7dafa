import { beforeEach, describe, expect, test } from "vitest";
import type { ErrorInfo } from "../../base/errors.ts";
import type { AttemptId } from "../../base/ids.ts";
import type { TaskRequest } from "../../ports/task-runner.ts";
import { attemptOf, SMALL_JOB, smallLog, smallSpec } from "../jobs/small-job.ts";
import { FailureCheck } from "./failures.ts";

const SPEC = smallSpec();
const THROWN: ErrorInfo = { code: "USER_FUNCTION", message: "no", retryable: true, details: { line: 3 } };
const TIMEOUT: ErrorInfo = { ...THROWN, code: "TASK_TIMEOUT", message: "late" };

let check: FailureCheck;
beforeEach(() => {
  check = new FailureCheck();
});

function fails(attempt: AttemptId, error = THROWN): void {
  const request = { job: { job: SMALL_JOB }, assignment: { attempt } } as unknown as TaskRequest;
  check.onOutcome(request, { kind: "failed", error, lostBlocks: [] });
}

/** What a driver tells of task 0/0. */
function told(tries: number, retryInMs: number | undefined, error = THROWN): void {
  const { stage, partition } = attemptOf(0, 0);
  check.onEvent("d", SPEC, { kind: "taskFailed", stage, partition, tries, triesMax: 2, error, retryInMs });
}

const failure = (attempt: AttemptId, error: ErrorInfo) =>
  check.onLog(SMALL_JOB, smallLog({ kind: "failed", atMs: 0, attempt, error }));

describe("what drivers tell of failures", () => {
  test("as many as there were, and the last of them ends the job", () => {
    fails(attemptOf(0, 0, 0));
    told(1, 100);
    fails(attemptOf(0, 0, 1));
    told(2, undefined);
    expect(check.problems).toEqual([]);
  });

  test("a timeout is one that no attempt tells of", () => {
    told(1, 100, TIMEOUT);
    told(2, undefined, TIMEOUT);
    expect(check.problems).toEqual([]);
  });

  test("an attempt that was lost is none", () => {
    fails(attemptOf(0, 0, 0));
    told(2, undefined);
    expect(check.problems).toEqual([
      "L19: small-1: task s0.p0 failed 1 times, and 2 are counted",
      "L19: small-1: task s0.p0 failed 1 times, and is not tried again, though it may fail 2 times",
    ]);
  });

  test("one that never was, or that an attempt is told to have had twice", () => {
    fails(attemptOf(0, 0, 0));
    fails(attemptOf(0, 1, 0));
    fails(attemptOf(0, 0, 0));
    told(1, 100);
    told(2, 100);
    expect(check.problems).toEqual([
      "L19: small-1: task s0.p0 is said to have failed 2 times, and 1 of its attempts did",
    ]);
  });

  test("the next driver begins anew", () => {
    fails(attemptOf(0, 0, 0));
    told(1, 100);
    check.onEvent("d", SPEC, { kind: "started", job: SMALL_JOB, stages: [], tasksResumed: 0 });
    fails(attemptOf(0, 0, 0, 2));
    told(1, undefined);
    expect(check.problems).toEqual([expect.stringContaining("failed 1 times, and is not tried again")]);
  });

  test("what no try can mend is not tried again", () => {
    const error = { ...THROWN, retryable: false };
    fails(attemptOf(0, 0, 0), error);
    told(1, undefined, error);
    expect(check.problems).toEqual([]);
  });
});

describe("what the log says of why the job failed", () => {
  test("the very error that the attempt gave", () => {
    fails(attemptOf(0, 0, 1));
    expect(failure(attemptOf(0, 0, 1), { ...THROWN })).toEqual([]);
  });

  test("another place, another code or another attempt is wrong", () => {
    fails(attemptOf(0, 0, 1));
    for (const error of [{ ...THROWN, details: { line: 4 } }, { ...THROWN, code: "THREAD_DIED" } as const])
      expect(failure(attemptOf(0, 0, 1), error)).toEqual([
        expect.stringContaining("s0.p0.e1.a1 failed with"),
      ]);
    expect(failure(attemptOf(0, 0, 0), THROWN)).toEqual([
      expect.stringContaining("its attempt s0.p0.e1.a0 did not fail"),
    ]);
  });

  test("what a driver finds out by itself no attempt has given", () => {
    expect(failure(attemptOf(0, 0, 0), TIMEOUT)).toEqual([]);
  });
});
