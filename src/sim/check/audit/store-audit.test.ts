import { describe, expect, test } from "vitest";
import { type AttemptId, contentHash, epoch, nodeId } from "../../../base/ids.ts";
import type { BlockRef } from "../../../plan/task.ts";
import type { Op } from "../../../ports/control-store.ts";
import { encodeJson, encodeRecord } from "../../../protocol/codec.ts";
import type { LogEvent, LogRecord } from "../../../protocol/log-event.ts";
import { jobKeys } from "../../../runtime/job-keys.ts";
import { attemptOf, completionOf, outputOf, SMALL_JOB, smallSpec } from "../../jobs/small-job.ts";
import { MemoryStoreBackend } from "../../ports/memory-control-store-backend.ts";
import { SimProcess } from "../../process.ts";
import { Scheduler } from "../../scheduler.ts";
import { StoreAudit } from "./store-audit.ts";

const KEYS = jobKeys(SMALL_JOB);
const SUBMITTED: LogEvent = { kind: "submitted", job: SMALL_JOB, spec: contentHash("1"), atMs: 0 };
const COMMITTED: LogEvent = { kind: "committed", atMs: 1 };
const started = (of: number): LogEvent => {
  return { kind: "epochStarted", epoch: epoch(of), driver: nodeId("d"), atMs: 0 };
};

const put = (key: string, value: Uint8Array | string): Op => {
  return { kind: "put", key, value: typeof value === "string" ? Buffer.from(value) : value };
};
const card = (end?: string): Op =>
  put(KEYS.card, encodeJson({ end: end === undefined ? undefined : { kind: end } }));
const record = (seq: number, of: number, ...events: readonly LogEvent[]): Op => {
  const written: LogRecord = { version: 1, seq, epoch: epoch(of), events };
  return put(KEYS.log(seq), encodeRecord(written));
};

const SUBMISSION = [record(0, 0, SUBMITTED), put(KEYS.epoch, "0"), card(), put(KEYS.open, "o")];
const take = (seq: number, of: number): readonly Op[] => [
  record(seq, of, started(of)),
  put(KEYS.epoch, `${of} d${seq}`),
  card(),
];
const ALL_TASKS = [attemptOf(0, 0), attemptOf(0, 1), attemptOf(1, 0)];
const WORK = [record(2, 1, ...ALL_TASKS.map((attempt) => completionOf(attempt)))];
const END = [record(3, 1, COMMITTED), card("committed"), { kind: "delete", key: KEYS.open } as const];

/** Has an attempt of the reduce task begin that is given these blocks. */
async function read(audit: StoreAudit, attempt: AttemptId, blocks: readonly BlockRef[]): Promise<void> {
  const assignment = {
    attempt,
    partitions: 1,
    sinkPartitions: [1],
    input: { kind: "blocks", sides: [[{ stage: attemptOf(0, 0).stage, sink: 0, blocks }]] },
    broadcasts: [],
  } as const;
  const run = { execute: async () => ({ kind: "stopped" }) as const };
  await audit.watching(run).execute({ job: { job: SMALL_JOB } as never, assignment }, undefined as never);
}

/** What is found in a store that makes these transactions. */
async function audited(...transactions: readonly (readonly Op[])[]): Promise<readonly string[]> {
  return (await auditOf(...transactions)).problems;
}

async function auditOf(...transactions: readonly (readonly Op[])[]): Promise<StoreAudit> {
  const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
  const audit = new StoreAudit(backend, [smallSpec()]);
  for (const success of transactions) {
    backend.txn({ compare: [], success });
    await Promise.resolve();
  }
  return audit;
}

test("nothing is found in a job that is submitted, taken over, worked off and committed", async () => {
  expect(await audited(SUBMISSION, take(1, 1), WORK, END)).toEqual([]);
});

test("nothing is found in a job that fails, is opened again, loses an output and ends", async () => {
  const failed: LogEvent = {
    kind: "failed",
    atMs: 1,
    attempt: undefined,
    error: { code: "JOB_FAILED", message: "", retryable: false, details: {} },
  };
  const again = attemptOf(0, 1, 0, 2);
  const found = await audited(
    SUBMISSION,
    take(1, 1),
    WORK,
    [record(3, 1, failed), card("failed"), { kind: "delete", key: KEYS.open }],
    [put(KEYS.open, "o"), card()],
    take(4, 2),
    [record(5, 2, { kind: "outputLost", attempt: attemptOf(0, 1) }, completionOf(again))],
    [record(6, 2, COMMITTED), card("committed")],
  );
  expect(found).toEqual([]);
});

describe("it is found when", () => {
  const cases: readonly (readonly [string, RegExp, readonly (readonly Op[])[]])[] = [
    ["a record is written over", /S2.*written over/, [SUBMISSION, take(1, 1), take(1, 1)]],
    ["a record is missing", /S2.*1 was to come/, [SUBMISSION, take(2, 1)]],
    ["a record is deleted", /S2.*deleted/, [SUBMISSION, [{ kind: "delete", key: KEYS.log(0) }]]],
    ["two records go at once", /S2: 2 records/, [SUBMISSION, [...take(1, 1), ...WORK]]],
    [
      "one of an older epoch appends",
      /S2.*epoch 1 in epoch 2/,
      [SUBMISSION, take(1, 1), take(2, 2), [record(3, 1)]],
    ],
    ["an epoch is left out", /S2: epoch 2 follows 0/, [SUBMISSION, take(1, 2)]],
    ["an epoch begins, and its key stays", /S2.*was not raised/, [SUBMISSION, [record(1, 1, started(1))]]],
    [
      "an epoch's key does not say whose it is",
      /S2.*whose it alone is/,
      [SUBMISSION, [record(1, 1, started(1)), put(KEYS.epoch, "1"), card()]],
    ],
    [
      "two take-overs write the same of whose the epoch is",
      /S2.*whose it alone is/,
      [SUBMISSION, take(1, 1), [record(2, 2, started(2)), put(KEYS.epoch, "2 d1"), card()]],
    ],
    ["the epoch's key changes alone", /S2.*without a record/, [SUBMISSION, [put(KEYS.epoch, "1")]]],
    [
      "a task completes twice",
      /S4.*completed, and/,
      [SUBMISSION, take(1, 1), WORK, [record(3, 1, completionOf(attemptOf(0, 0, 1)))]],
    ],
    [
      "an attempt is lost that does not count",
      /S4.*was lost/,
      [SUBMISSION, take(1, 1), WORK, [record(3, 1, { kind: "outputLost", attempt: attemptOf(0, 0, 7) })]],
    ],
    [
      "the name of an attempt is given out again",
      /S4.*completed twice/,
      [
        SUBMISSION,
        take(1, 1),
        WORK,
        [record(3, 1, { kind: "outputLost", attempt: attemptOf(0, 0) }, completionOf(attemptOf(0, 0)))],
      ],
    ],
    [
      "a job commits that is not complete",
      /S7.*stage 0/,
      [SUBMISSION, take(1, 1), [record(2, 1, COMMITTED), card("committed")]],
    ],
    [
      "a job goes on after it has committed",
      /after the job had committed/,
      [SUBMISSION, take(1, 1), WORK, END, [record(4, 1, COMMITTED), card("committed")]],
    ],
    ["a committed job is taken over", /S2: a committed job/, [SUBMISSION, take(1, 1), WORK, END, take(4, 2)]],
    [
      "a committed job is opened again",
      /S1.*opened again/,
      [SUBMISSION, take(1, 1), WORK, END, [put(KEYS.open, "o")]],
    ],
    [
      "a card forgets that its job has committed",
      /S1.*forgot/,
      [SUBMISSION, take(1, 1), WORK, END, [card()]],
    ],
    [
      "a card says that a job has ended before its log does",
      /S12/,
      [SUBMISSION, take(1, 1), [card("committed")]],
    ],
    [
      "a record ends a job, and its card does not say so",
      /its card says/,
      [SUBMISSION, take(1, 1), WORK, [record(3, 1, COMMITTED)]],
    ],
  ];
  test.each(cases)("%s", async (_, problem, transactions) => {
    expect((await audited(...transactions)).join("\n")).toMatch(problem);
  });

  const [left, right] = [outputOf(attemptOf(0, 0)).block!, outputOf(attemptOf(0, 1)).block!];
  test.each([
    ["the whole stage", [left, right], 0],
    ["half of it", [left], 1],
    ["another order", [right, left], 1],
    ["a block of another checksum", [left, { ...right, checksum: 2 }], 1],
  ])("an attempt is to read other than whole stages: %s", async (_, blocks, count) => {
    const audit = await auditOf(SUBMISSION, take(1, 1), WORK);
    await read(audit, attemptOf(1, 0, 1), blocks);
    expect(audit.problems.filter((problem) => problem.startsWith("S5"))).toHaveLength(count);
  });

  test.each([
    ["stands as it stood", [], 0],
    [
      "was lost and made again before that",
      [{ kind: "outputLost", attempt: attemptOf(0, 0) }, completionOf(attemptOf(0, 0, 1))],
      1,
    ],
  ] as const)("an attempt of an earlier driver counts, whose input %s", async (_, between, count) => {
    const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
    const audit = new StoreAudit(backend, [smallSpec()]);
    const commit = async (...success: readonly Op[]): Promise<void> => {
      backend.txn({ compare: [], success });
      await Promise.resolve();
    };
    const maps = [completionOf(attemptOf(0, 0)), completionOf(attemptOf(0, 1))];
    await commit(...SUBMISSION);
    await commit(...take(1, 1));
    await commit(record(2, 1, ...maps));
    await read(audit, attemptOf(1, 0), [left, right]);
    await commit(record(3, 1, ...between));
    await commit(...take(4, 2));
    expect(audit.countsAdopted).toBe(false);
    await commit(record(5, 2, completionOf(attemptOf(1, 0))));
    expect(audit.countsAdopted).toBe(true);
    expect(audit.problems.filter((problem) => problem.startsWith("S5"))).toHaveLength(count);
    expect(audit.problems).toHaveLength(count);
  });

  test.each([
    ["other than the former one", 2, 1],
    ["the same again", 1, 0],
  ])("a lost output was read, and what is made in its place is %s", async (_, checksum, count) => {
    const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
    const audit = new StoreAudit(backend, [smallSpec()]);
    const commit = async (...success: readonly Op[]): Promise<void> => {
      backend.txn({ compare: [], success });
      await Promise.resolve();
    };
    const lost = attemptOf(0, 0);
    const again = attemptOf(0, 0, 1);
    const reducer = attemptOf(1, 0);
    await commit(...SUBMISSION);
    await commit(...take(1, 1));
    await commit(record(2, 1, completionOf(lost), completionOf(attemptOf(0, 1))));
    await read(audit, reducer, [left, right]);
    const block = { ...outputOf(again).block!, checksum };
    await commit(
      record(
        3,
        1,
        completionOf(reducer),
        { kind: "outputLost", attempt: lost },
        completionOf(again, { block }),
      ),
    );
    await commit(record(4, 1, COMMITTED), card("committed"));
    expect(audit.problems.filter((problem) => problem.startsWith("S6"))).toHaveLength(count);
    expect(audit.problems).toHaveLength(count);
  });

  test("what a job stored is deleted before it has committed", async () => {
    const running = await auditOf(SUBMISSION, take(1, 1), WORK);
    running.onSweep(SMALL_JOB, "a node");
    expect(running.problems).toEqual(["S11: a node deleted what small-1 stored, which had not ended"]);
    const ended = await auditOf(SUBMISSION, take(1, 1), WORK, END);
    ended.onSweep(SMALL_JOB, "a node");
    expect(ended.problems).toEqual([]);
  });
});

describe("in a store that was set back", () => {
  /** A job that has committed, in a store as it was before its work. */
  async function setBack() {
    const backend = new MemoryStoreBackend(new SimProcess("store", new Scheduler()).clock);
    const audit = new StoreAudit(backend, [smallSpec()]);
    const commit = async (...success: readonly Op[]): Promise<void> => {
      backend.txn({ compare: [], success });
      await Promise.resolve();
    };
    const empty = backend.snapshot();
    await commit(...SUBMISSION);
    await commit(...take(1, 1));
    const snapshot = backend.snapshot();
    await commit(...WORK);
    await commit(...END);
    const restore = (to = snapshot): void => {
      backend.restore(to);
      audit.restored(to);
    };
    return { audit, commit, restore, empty };
  }

  test("the same may be done again from there", async () => {
    const { audit, commit, restore } = await setBack();
    restore();
    await commit(...take(2, 2));
    await commit(record(3, 2, ...ALL_TASKS.map((attempt) => completionOf(attempt))));
    await commit(record(4, 2, COMMITTED), card("committed"), { kind: "delete", key: KEYS.open });
    expect(audit.problems).toEqual([]);
  });

  test("a log that goes on as if nothing was gone is told of", async () => {
    const { audit, commit, restore } = await setBack();
    restore();
    await commit(record(3, 1, COMMITTED), card("committed"));
    expect(audit.problems.join("\n")).toMatch(/S2: .*holds record 3, and 2 was to come/);
  });

  test("what was wrong before is still told of", async () => {
    const { audit, commit, restore } = await setBack();
    await commit(put(KEYS.epoch, "7"));
    restore();
    expect(audit.problems).toEqual([expect.stringMatching(/S2: the epoch's key changed/)]);
  });

  test("nodes may delete what they stored of a job that is gone, or had committed, and of no other", async () => {
    const { audit, commit, restore, empty } = await setBack();
    restore();
    audit.onSweep(SMALL_JOB, "a node");
    restore(empty);
    await commit(...SUBMISSION);
    audit.onSweep(SMALL_JOB, "a node");
    expect(audit.problems).toEqual([]);
    const running = await auditOf(SUBMISSION, take(1, 1));
    running.restored({ revision: 3, entries: new Map(), leases: [] });
    running.onSweep(SMALL_JOB, "a node");
    expect(running.problems).toEqual([expect.stringMatching(/S11/)]);
  });

  test("blocks that were the whole of a stage before may still be read, and no others", async () => {
    const { audit, restore } = await setBack();
    restore();
    const [left, right] = [outputOf(attemptOf(0, 0)).block!, outputOf(attemptOf(0, 1)).block!];
    await read(audit, attemptOf(1, 0), [left, right]);
    expect(audit.problems).toEqual([]);
    await read(audit, attemptOf(1, 0), [left]);
    expect(audit.problems).toEqual([expect.stringMatching(/S5/)]);
  });
});
