import { describe, expect, test } from "vitest";
import { contentHash, epoch, nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { TxnRequest } from "../../ports/control-store.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import { JobLog } from "../../runtime/job-log.ts";
import { attemptOf, completionOf, SMALL_JOB } from "../jobs/small-job.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../ports/memory-control-store.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { unfenced, watchFences } from "./fences.ts";
import { changedStore } from "./store/changed-store.ts";

const KEYS = jobKeys(SMALL_JOB);
const CARD = { job: SMALL_JOB, name: "small", submittedAtMs: 0, tasks: 3, end: undefined };

/** What a job's log asks of the store when it is submitted, taken over and written to. */
async function asked(): Promise<{
  readonly requests: readonly TxnRequest[];
  readonly told: readonly string[];
}> {
  const { clock } = new SimProcess("driver", new Scheduler());
  const requests: TxnRequest[] = [];
  const told: string[] = [];
  const store = new MemoryControlStore(new MemoryStoreBackend(clock));
  const noting = changedStore(store, {
    txn: (request) => {
      requests.push(request);
      return store.txn(request);
    },
  });
  const watched = watchFences(noting, (problem) => told.push(problem));
  const log = new JobLog(watched, SMALL_JOB, { clock, random: new Prng("fences") });
  await log.submit(contentHash("1"), CARD);
  const lease = await store.grantLease(5_000);
  const owner = { node: nodeId("d"), host: "h", pid: 1 };
  const taken = await log.takeOver({
    owner,
    lease,
    card: CARD,
    wallMs: 0,
    holder: "d",
    isDead: () => false,
  });
  await log.append(
    { version: 1, seq: 2, epoch: epoch(1), events: [completionOf(attemptOf(0, 0))] },
    taken!.term,
    undefined,
  );
  return { requests, told };
}

describe("a job's log", () => {
  test("compares all that it must", async () => {
    const { requests, told } = await asked();
    expect(requests).toHaveLength(3);
    expect(told).toEqual([]);
  });

  test.each([
    ["a submission that is not the first", 0, KEYS.log(0), "that nothing stands there"],
    ["a take-over over another's record", 1, KEYS.log(1), "that nothing stands there"],
    ["a take-over of another epoch", 1, KEYS.epoch, "the epoch that was read"],
    ["a take-over from whoever drives", 1, KEYS.driver, "who drove"],
    ["a record over another", 2, KEYS.log(2), "that nothing stands there"],
    ["a record of another epoch", 2, KEYS.epoch, "its epoch"],
    ["a record beyond the end", 2, KEYS.log(1), "that the record before it is there"],
    ["a take-over beyond the end", 1, KEYS.log(0), "that the record before it is there"],
    ["a take-over from another holder", 1, KEYS.epoch, "who held it"],
  ])("is found out without the compare against %s", async (_, index, key, what) => {
    const request = (await asked()).requests[index]!;
    const compare = request.compare.filter((of) => of.key !== key);
    expect(compare.length).toBeLessThan(request.compare.length);
    expect(unfenced({ ...request, compare }).join()).toContain(`does not compare ${what}`);
  });

  test.each([
    ["another epoch than the record's", "7 d"],
    ["the number of its epoch alone", "1"],
    ["an epoch that begins like its own", "10 d"],
  ])("is found out where it compares %s", async (_, text) => {
    const request = (await asked()).requests[2]!;
    const compare = request.compare.map((of) =>
      of.target === "value" ? { ...of, value: new TextEncoder().encode(text) } : of,
    );
    expect(unfenced({ ...request, compare })).toHaveLength(1);
  });
});

test("transactions that write no record are nobody's concern here", () => {
  expect(unfenced({ compare: [], success: [{ kind: "delete", key: KEYS.open }] })).toEqual([]);
});
