import { expect, test } from "vitest";
import { JobState } from "../../../core/job-state.ts";
import { encodeRecord } from "../../../protocol/codec.ts";
import type { LogRecord } from "../../../protocol/log-event.ts";
import { attemptOf, completionOf, smallLog, smallSpec } from "../../jobs/small-job.ts";
import { readRecord } from "./read-record.ts";
import { ReplayedJob } from "./replayed-job.ts";

const LOST = attemptOf(0, 0);
const PLAIN = { block: undefined, sinkRows: [2, 3], rowsIn: 4, bytesIn: 5 };
/** A loss, its repair by another output after it was read, and a completion that is stored as numbers. */
const LOG = smallLog(
  completionOf(LOST),
  completionOf(attemptOf(0, 1)),
  completionOf(attemptOf(1, 0), PLAIN),
  { kind: "outputLost", attempt: LOST },
  completionOf(attemptOf(0, 0, 1), { block: { key: "again", bytes: 1, checksum: 2 } }),
  { kind: "cancelled", atMs: 7, reason: "enough" },
);

function replayed(records: readonly LogRecord[]): ReplayedJob {
  const job = new ReplayedJob(smallSpec());
  for (const record of records) job.onRecord(readRecord(encodeRecord(record)));
  return job;
}

test("a state that was replayed agrees with the log after each record", () => {
  const job = replayed(LOG);
  const state = new JobState(smallSpec());
  for (const record of LOG) {
    state.applyRecord(record);
    expect(job.difference(state)).toBeUndefined();
  }
  expect(state.mixed).toBeDefined();
});

test("a state that counts a record too many, or took one up otherwise, is told apart", () => {
  expect(replayed(LOG.slice(0, 3)).difference(JobState.replay(smallSpec(), LOG.slice(0, 4)))).toContain(
    "record 3, which the store does not have",
  );
  const others: readonly LogRecord["events"][number][] = [
    completionOf(LOST, { rowsIn: 11 }),
    completionOf(LOST, { counters: { seen: 1 } }),
    completionOf(LOST, { block: undefined }),
    completionOf(attemptOf(0, 0, 1)),
    completionOf(attemptOf(0, 1)),
    {
      kind: "failed",
      atMs: 1,
      attempt: undefined,
      error: { code: "JOB_FAILED", message: "", retryable: false, details: {} },
    },
  ];
  for (const other of others) {
    const state = JobState.replay(smallSpec(), smallLog(other));
    expect(replayed(LOG).difference(state)).toMatch(/after record 2 it has ".*", and the log says ".*"/);
  }
});
