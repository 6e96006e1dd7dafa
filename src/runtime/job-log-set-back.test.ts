/**
 * A job's log in a store that is set back to an older state while drivers live: epochs, revisions and leases are given out
 * again, and only what each take-over writes of itself tells two drivers of one epoch apart.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { contentHash, type Epoch, nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { ManualClock } from "../ports/control-store.contract.ts";
import type { ControlStore, TxnRequest } from "../ports/control-store.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import { attemptOf, completionOf, SMALL_JOB, smallSpec } from "../sim/jobs/small-job.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../sim/ports/memory-control-store.ts";
import { cardOf } from "./drive-job.ts";
import { jobKeys } from "./job-keys.ts";
import { JobLog } from "./job-log.ts";

const KEYS = jobKeys(SMALL_JOB);
const CARD = cardOf(smallSpec(), undefined);
/** Where the log ends in the state that the store is set back to. */
const TAIL = 3;
const LEASE_MS = 5_000;

interface Driver {
  readonly log: JobLog;
  readonly epoch: Epoch;
  readonly term: Uint8Array;
  readonly records: readonly LogRecord[];
}

let clock: ManualClock;
/** The state that clients see now. */
let state: MemoryControlStore;
let store: ControlStore;
beforeEach(async () => {
  clock = new ManualClock();
  store = {
    get: (key) => state.get(key),
    range: (from, to, options) => state.range(from, to, options),
    txn: (request) => state.txn(request),
    grantLease: (ttlMs) => state.grantLease(ttlMs),
    keepAlive: (lease) => state.keepAlive(lease),
    revokeLease: (lease) => state.revokeLease(lease),
    watch: (request, onEvent) => state.watch(request, onEvent),
    close: () => state.close(),
  };
  await setBack();
});

/** All that was written before the snapshot, and nothing of what came after, with its revisions and its leases. */
async function setBack(): Promise<void> {
  state = new MemoryControlStore(new MemoryStoreBackend(clock));
  await logOn(store).submit(contentHash("ab"), CARD);
  const first = await takeOver("first");
  expect(await append(first, TAIL - 1, cancelled("first"))).toBe(true);
}

const logOn = (on: ControlStore): JobLog =>
  new JobLog(on, SMALL_JOB, { clock, random: new Prng("set back") });

async function takeOver(holder: string, on = store, above?: Epoch): Promise<Driver> {
  const log = logOn(on);
  const owner = { node: nodeId(holder), host: "h", pid: 7 };
  const lease = await on.grantLease(LEASE_MS);
  const taken = await log.takeOver({
    owner,
    lease,
    card: CARD,
    wallMs: 5,
    holder,
    isDead: () => true,
    ...(above === undefined ? {} : { above }),
  });
  return { log, ...taken! };
}

const cancelled = (reason: string): LogEvent => ({ kind: "cancelled", atMs: 9, reason });

const append = (
  { log, epoch, term }: Driver,
  seq: number,
  event: LogEvent = completionOf(attemptOf(0, 0, epoch)),
): Promise<boolean> => log.append({ version: 1, seq, epoch, events: [event] }, term, undefined);

const epochEntry = async () => (await store.get(KEYS.epoch)).entry!;

describe("two drivers of one epoch, one of before the store was set back and one of after", () => {
  let before: Driver;
  let after: Driver;
  let stateBefore: MemoryControlStore;
  beforeEach(async () => {
    before = await takeOver("before");
    const raisedBefore = await epochEntry();
    stateBefore = state;
    await setBack();
    after = await takeOver("after");
    // Nothing but what the take-overs wrote of themselves differs.
    const raised = await epochEntry();
    expect([after.epoch, raised.modRevision, raised.createRevision, raised.lease]).toEqual([
      before.epoch,
      raisedBefore.modRevision,
      raisedBefore.createRevision,
      raisedBefore.lease,
    ]);
  });

  it("write as one: the former is refused right at the end of the log, and the latter goes on", async () => {
    expect(await append(before, TAIL + 1, cancelled("before"))).toBe(false);
    expect(await append(after, TAIL + 1, cancelled("after"))).toBe(true);
    expect(await append(before, TAIL + 2, cancelled("before"))).toBe(false);
    expect((await after.log.read()).records.at(-1)?.events).toEqual([cancelled("after")]);
  });

  it("write as one where the state of the former comes back after all", async () => {
    state = stateBefore;
    expect(await append(after, TAIL + 1, cancelled("after"))).toBe(false);
    expect(await append(before, TAIL + 1, cancelled("before"))).toBe(true);
  });

  it("both end where somebody takes over", async () => {
    const next = await takeOver("next");
    expect(next.epoch).toBe(after.epoch + 1);
    for (const driver of [before, after])
      for (const seq of [TAIL, TAIL + 1, TAIL + 2])
        expect(await append(driver, seq, cancelled("late"))).toBe(false);
    expect(await append(next, TAIL + 2)).toBe(true);
  });
});

it("a take-over goes above an epoch that others have heard of, and the log says whose each is", async () => {
  const before = await takeOver("before");
  await setBack();
  const after = await takeOver("after", store, before.epoch);
  expect(after.epoch).toBe(before.epoch + 1);
  const started = after.records.flatMap(({ events }) =>
    events.flatMap((event) => (event.kind === "epochStarted" ? [[event.epoch, event.holder]] : [])),
  );
  expect(started).toEqual([
    [1, "first"],
    [3, "after"],
  ]);
  expect(await append(after, TAIL + 1)).toBe(true);
});

it("a submission is made where what stood in its way is gone when it is looked at", async () => {
  const { txn } = store;
  let refused = 0;
  const emptied: ControlStore = {
    ...store,
    txn: async (request) => {
      const result = await txn(request);
      if (!result.succeeded && refused++ === 0) state = new MemoryControlStore(new MemoryStoreBackend(clock));
      return result;
    },
  };
  await logOn(emptied).submit(contentHash("ab"), CARD);
  expect(refused).toBe(1);
  expect((await logOn(store).read()).records).toHaveLength(1);
});

describe("a take-over that has read what is gone when it writes", () => {
  /** The store, which is set back, and more, between what this client reads and its first transaction. */
  function settingBack(then: () => Promise<unknown>): ControlStore {
    let left = 1;
    const txn = async (request: TxnRequest) => {
      if (left-- === 1) {
        await setBack();
        await then();
      }
      return state.txn(request);
    };
    return { ...store, txn };
  }

  it("leaves no gap in the log", async () => {
    // The driver of the snapshot had gone on in its epoch: the epoch's key and its owner's are as they were.
    const { epoch: of } = (await logOn(store).read()).records.at(-1)!;
    const term = (await epochEntry()).value;
    const lost: LogRecord = { version: 1, seq: TAIL, epoch: of, events: [cancelled("gone")] };
    expect(await logOn(store).append(lost, term, undefined)).toBe(true);
    const next = await takeOver(
      "next",
      settingBack(() => state.grantLease(LEASE_MS)),
    );
    expect(next.records.map(({ seq }) => seq)).toEqual([0, 1, 2, TAIL]);
    expect(next.records).toEqual((await logOn(store).read()).records);
  });

  it("replays the log that is there, where another driver has had the same epoch since", async () => {
    await takeOver("before");
    const next = await takeOver(
      "next",
      settingBack(async () => {
        await takeOver("after");
        await state.grantLease(LEASE_MS);
      }),
    );
    const drivers = next.records.flatMap(({ events }) =>
      events.flatMap((event) => (event.kind === "epochStarted" ? [event.driver] : [])),
    );
    expect(drivers).toEqual(["first", "after", "next"]);
    expect(next.records).toEqual((await logOn(store).read()).records);
  });
});
