import { beforeEach, describe, expect, it } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { contentHash, epoch, nodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { ManualClock } from "../ports/control-store.contract.ts";
import type { ControlStore, TxnRequest } from "../ports/control-store.ts";
import { encodeJson, encodeRecord } from "../protocol/codec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import { SMALL_JOB, smallSpec } from "../sim/jobs/small-job.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../sim/ports/memory-control-store.ts";
import { cardOf } from "./drive-job.ts";
import { jobKeys } from "./job-keys.ts";
import { type DriverOwner, type JobCard, JobLog, type TakeOver } from "./job-log.ts";

const KEYS = jobKeys(SMALL_JOB);
const CARD = cardOf(smallSpec(), undefined);
const SPEC_HASH = contentHash("ab");
const OWNER: DriverOwner = { node: nodeId("n1"), host: "h", pid: 7 };

let clock: ManualClock;
let store: MemoryControlStore;
let log: JobLog;
/** What the latest take-overs wrote to the epoch's key, by epoch. */
let terms: Map<number, Uint8Array>;
beforeEach(() => {
  terms = new Map();
  clock = new ManualClock();
  store = new MemoryControlStore(new MemoryStoreBackend(clock));
  log = logOn(store);
});

const logOn = (on: ControlStore): JobLog => new JobLog(on, SMALL_JOB, { clock, random: new Prng("log") });

async function takeOver(on: JobLog, changes: Partial<TakeOver> = {}) {
  const lease = changes.lease ?? (await store.grantLease(5_000));
  const of = { owner: OWNER, lease, holder: `of ${lease}`, card: CARD, wallMs: 5, isDead: () => false };
  const taken = await on.takeOver({ ...of, ...changes });
  if (taken !== undefined) terms.set(taken.epoch, taken.term);
  return taken;
}

/** By the driver of the record's epoch. */
const append = (on: JobLog, of: LogRecord, card: JobCard | undefined): Promise<boolean> =>
  on.append(of, terms.get(of.epoch)!, card);

const cancelled: LogEvent = { kind: "cancelled", atMs: 9, reason: "Ctrl-C" };
const record = (seq: number, of = 1, event: LogEvent = cancelled): LogRecord => {
  return { version: 1, seq, epoch: epoch(of), events: [event] };
};

/** The store, whose transactions fail as told: `undefined` lets one through. */
function failing(...fates: readonly ("applied" | "refused" | undefined)[]): ControlStore {
  const left = [...fates];
  const unavailable = (outcome: string): BicoastalError => {
    return new BicoastalError("STORE_UNAVAILABLE", "away", { retryable: true, details: { outcome } });
  };
  const txn = async (request: TxnRequest) => {
    const fate = left.shift();
    if (fate === "refused") throw unavailable("failed");
    const result = await store.txn(request);
    if (fate === "applied") throw unavailable("unknown");
    return result;
  };
  return Object.assign(Object.create(store) as ControlStore, {
    txn,
    get: store.get.bind(store),
    range: store.range.bind(store),
  });
}

/** The result, after as many pauses as it takes. */
async function patiently<T>(work: Promise<T>): Promise<T> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  work.then(end, end);
  while (!over) await clock.advance(100);
  return work;
}

describe("a job that is submitted", () => {
  it("has a log of one record, no owner, epoch 0 and a card", async () => {
    await log.submit(SPEC_HASH, CARD);
    const { records, owner, epochEntry } = await log.read();
    expect(records).toEqual([
      {
        version: 1,
        seq: 0,
        epoch: 0,
        events: [{ kind: "submitted", job: SMALL_JOB, spec: SPEC_HASH, atMs: 1_000 }],
      },
    ]);
    expect([owner, Buffer.from(epochEntry.value).toString()]).toEqual([undefined, "0"]);
    const card = await store.get(KEYS.card);
    expect(JSON.parse(Buffer.from(card.entry!.value).toString())).toMatchObject({ job: SMALL_JOB, tasks: 3 });
  });

  it("is there once, whether the answer came or not (S12)", async () => {
    await patiently(logOn(failing("refused", "applied", "applied")).submit(SPEC_HASH, CARD));
    expect((await log.read()).records).toHaveLength(1);
  });

  it("is not there before", async () => {
    await expect(log.read()).rejects.toMatchObject({ code: "JOB_NOT_FOUND", details: { job: SMALL_JOB } });
  });
});

describe("a take-over", () => {
  beforeEach(() => log.submit(SPEC_HASH, CARD));

  it("raises the epoch by one, says so in the log, and owns the job while the lease lasts", async () => {
    const taken = await takeOver(log);
    expect(taken?.epoch).toBe(1);
    expect(taken?.records.map(({ seq, epoch: of }) => [seq, of])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    const snapshot = await log.read();
    expect(snapshot.records).toEqual(taken?.records);
    expect(snapshot.owner).toEqual(OWNER);
    await clock.advance(5_000);
    expect((await log.read()).owner).toBeUndefined();
    expect((await takeOver(log))?.epoch).toBe(2);
  });

  it("waits for an owner that may live, and not for one that is dead", async () => {
    await takeOver(log);
    const error = await takeOver(log).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "JOB_RUNNING", details: { host: "h", pid: 7 } });
    expect((await log.read()).records).toHaveLength(2);
    const asked: DriverOwner[] = [];
    const isDead = (owner: DriverOwner): boolean => asked.push(owner) > 0;
    expect((await takeOver(log, { isDead }))?.epoch).toBe(2);
    expect(asked).toEqual([OWNER]);
  });

  it.each(["applied", "refused"] as const)(
    "whose answer is lost, after it was %s, is one take-over",
    async (fate) => {
      const taken = await patiently(takeOver(logOn(failing(fate))));
      expect(taken?.epoch).toBe(1);
      expect((await log.read()).records).toEqual(taken?.records);
    },
  );

  it("succeeds for one of many that try at the same time", async () => {
    const tries = Array.from({ length: 5 }, (_, i) =>
      takeOver(logOn(store), { owner: { ...OWNER, node: nodeId(`n${i}`) } }),
    );
    const results = await Promise.allSettled(tries);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "JOB_RUNNING" });
    }
    expect((await log.read()).records).toHaveLength(2);
  });

  it("succeeds for one of two in one process and one millisecond, whose records are the same", async () => {
    const results = await Promise.allSettled([takeOver(logOn(store)), takeOver(logOn(store))]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await log.read()).records).toHaveLength(2);
  });

  it("with a lease that has ended does nothing", async () => {
    const lease = await store.grantLease(1_000);
    await clock.advance(1_000);
    await expect(takeOver(log, { lease })).rejects.toMatchObject({ code: "LEASE_GONE" });
    expect((await log.read()).records).toHaveLength(1);
  });

  it("whose lease ended before it was known to have succeeded does not count", async () => {
    const lease = await store.grantLease(1_000);
    const slow = failing("applied");
    const work = takeOver(logOn(slow), { lease });
    work.catch(() => {});
    await expect.poll(async () => (await log.read()).records.length).toBe(2);
    await store.revokeLease(lease);
    await expect(patiently(work)).rejects.toMatchObject({ code: "LEASE_GONE" });
    // Nobody drives in the epoch that it started; the next one does in the next.
    expect((await takeOver(log))?.epoch).toBe(2);
  });

  it("goes on from an epoch of which it is not said whose it is, as earlier versions left it", async () => {
    const plain = { kind: "put", key: KEYS.epoch, value: Buffer.from("7") } as const;
    await store.txn({ compare: [], success: [plain] });
    expect((await takeOver(log))?.epoch).toBe(8);
    expect(await append(log, record(2, 8), undefined)).toBe(true);
  });

  it("of a committed job is none", async () => {
    await takeOver(log);
    const committed: LogEvent = { kind: "committed", atMs: 9 };
    expect(await append(log, record(2, 1, committed), undefined)).toBe(true);
    expect(await takeOver(log, { isDead: () => true })).toBeUndefined();
    expect((await log.read()).records).toHaveLength(3);
  });

  it("of a job that failed or was cancelled says on its card that it runs again", async () => {
    await takeOver(log);
    const ended = cardOf(smallSpec(), { kind: "cancelled", atMs: 9, tasksDone: 0 });
    await append(log, record(2), ended);
    const cardEnd = async () => {
      const { entry } = await store.get(KEYS.card);
      return (JSON.parse(Buffer.from(entry!.value).toString()) as { end?: { kind: string } }).end?.kind;
    };
    expect(await cardEnd()).toBe("cancelled");
    expect((await takeOver(log, { isDead: () => true }))?.epoch).toBe(2);
    expect(await cardEnd()).toBeUndefined();
  });

  it("of a job that is not there is refused", async () => {
    await store.txn({ compare: [], success: [{ kind: "deleteRange", from: "jobs/", to: "jobs0" }] });
    await expect(takeOver(log)).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
  });
});

describe("an append", () => {
  beforeEach(async () => {
    await log.submit(SPEC_HASH, CARD);
    await takeOver(log);
  });

  it("adds the record at the tail", async () => {
    expect(await append(log, record(2), undefined)).toBe(true);
    expect(await append(log, record(3), undefined)).toBe(true);
    expect((await log.read()).records.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  it("of a deposed driver writes nothing (S2)", async () => {
    await takeOver(log, { isDead: () => true });
    const before = (await log.read()).records;
    for (const seq of [1, 2, 3, 4]) expect(await append(log, record(seq), undefined)).toBe(false);
    expect((await log.read()).records).toEqual(before);
  });

  it("where another record stands, or beyond the tail, writes nothing (S2)", async () => {
    expect(await append(log, record(1), undefined)).toBe(false);
    expect(await append(log, record(3), undefined)).toBe(false);
    expect((await log.read()).records).toHaveLength(2);
  });

  it.each([["applied"], ["refused"], ["refused", "applied"], ["applied", "refused"]] as const)(
    "whose answers are lost is there once, and known to be: %s, %s",
    async (...fates) => {
      expect(await patiently(append(logOn(failing(...fates)), record(2), CARD))).toBe(true);
      expect((await log.read()).records).toHaveLength(3);
    },
  );

  it("that was applied just before another took over is known to be durable", async () => {
    const work = append(logOn(failing("applied")), record(2), undefined);
    await expect.poll(async () => (await log.read()).records.length).toBe(3);
    const next = await takeOver(log, { isDead: () => true });
    expect(await patiently(work)).toBe(true);
    expect(next?.records.map(({ seq }) => seq)).toEqual([0, 1, 2, 3]);
  });

  it("that another driver's record forestalled is known not to be there", async () => {
    const work = append(logOn(failing("refused")), record(2), undefined);
    await takeOver(log, { isDead: () => true });
    expect(await patiently(work)).toBe(false);
    expect((await log.read()).records[2]?.events[0]?.kind).toBe("epochStarted");
  });

  it("waits for the store until the log is closed", async () => {
    const away = logOn(failing(...Array<"refused">(1_000).fill("refused")));
    const work = append(away, record(2), undefined);
    work.catch(() => {});
    await clock.advance(60_000);
    away.close();
    await expect(patiently(work)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });
});

describe("a damaged log is refused by its name", () => {
  beforeEach(async () => {
    await log.submit(SPEC_HASH, CARD);
    await takeOver(log);
  });
  const putAt = (key: string, value: Uint8Array) =>
    store.txn({ compare: [], success: [{ kind: "put", key, value }] });

  it.each([
    ["bytes that are no record", () => putAt(KEYS.log(1), Buffer.from("{"))],
    ["a record that stands in another's place", () => putAt(KEYS.log(1), encodeRecord(record(2)))],
    ["a gap", () => putAt(KEYS.log(3), encodeRecord(record(3)))],
    ["an epoch that is no number", () => putAt(KEYS.epoch, Buffer.from("one"))],
    ["an epoch that only begins as a number", () => putAt(KEYS.epoch, Buffer.from("1x"))],
    ["an empty epoch", () => putAt(KEYS.epoch, Buffer.from(""))],
    ["an owner that is no JSON", () => putAt(KEYS.driver, Buffer.from("?"))],
    ["an owner without a process", () => putAt(KEYS.driver, encodeJson({ node: "n", host: "h" }))],
  ])("%s", async (_, damage) => {
    await damage();
    await expect(log.read()).rejects.toMatchObject({ code: "STORE_CORRUPT" });
    await expect(takeOver(log)).rejects.toMatchObject({ code: "STORE_CORRUPT" });
  });
});

describe("a job of a cluster", () => {
  const OPEN = new TextEncoder().encode("{}");
  beforeEach(() => log.submit(SPEC_HASH, CARD, OPEN));
  const end = (): Promise<boolean> =>
    append(log, record(2), { ...CARD, end: { kind: "cancelled", atMs: 9, tasksDone: 0 } });

  it("is open until the record that ends it", async () => {
    expect(await log.isOpen()).toBe(true);
    expect((await takeOver(log, { onlyOpen: true }))?.epoch).toBe(1);
    expect(await end()).toBe(true);
    expect(await log.isOpen()).toBe(false);
  });

  it("that has ended is left alone until it is opened again, and then goes on", async () => {
    await takeOver(log, { onlyOpen: true });
    await end();
    expect(await takeOver(log, { onlyOpen: true })).toBeUndefined();
    expect(await log.reopen(CARD, OPEN)).toBe(true);
    expect((await takeOver(log, { onlyOpen: true }))?.epoch).toBe(2);
  });

  it("that ends while somebody is about to take it over is not taken over", async () => {
    await takeOver(log, { onlyOpen: true });
    let ended = false;
    const late = Object.assign(failing(), {
      txn: async (request: TxnRequest) => {
        if (!ended) {
          ended = true;
          await end();
        }
        return store.txn(request);
      },
    });
    expect(await takeOver(logOn(late), { onlyOpen: true, isDead: () => true })).toBeUndefined();
    expect((await log.read()).records).toHaveLength(3);
  });

  it("that committed is not opened again", async () => {
    await takeOver(log, { onlyOpen: true });
    const committed: LogEvent = { kind: "committed", atMs: 9 };
    await append(log, record(2, 1, committed), {
      ...CARD,
      end: { kind: "committed", atMs: 9, tasksDone: 1 },
    });
    expect(await log.reopen(CARD, OPEN)).toBe(false);
    expect(await log.isOpen()).toBe(false);
  });
});
