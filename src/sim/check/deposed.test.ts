import { describe, expect, test } from "vitest";
import { epoch, nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { JobState } from "../../core/job-state.ts";
import { jobKeys } from "../../runtime/job-keys.ts";
import { JobLog } from "../../runtime/job-log.ts";
import { attemptOf, completionOf, SMALL_JOB, smallLog, smallSpec } from "../jobs/small-job.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../ports/memory-control-store.ts";
import { SimProcess } from "../process.ts";
import { Scheduler } from "../scheduler.ts";
import { DeposedCheck } from "./deposed.ts";

const TTL_MS = 3_000;
const CARD = { job: SMALL_JOB, name: "small", submittedAtMs: 0, tasks: 3, end: undefined };
const STATE = JobState.replay(smallSpec(), smallLog());

/** A job that was submitted, and taken over by a driver whose steps are looked at. */
async function driven() {
  const scheduler = new Scheduler();
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const problems: string[] = [];
  const logOf = (name: string, store: MemoryControlStore | ReturnType<DeposedCheck["watching"]>) => {
    const timing = { clock: new SimProcess(name, scheduler).clock, random: new Prng(name) };
    return new JobLog(store, SMALL_JOB, timing);
  };
  const plain = new MemoryControlStore(backend);
  const process = new SimProcess("node", scheduler);
  const check = new DeposedCheck(process, () => scheduler.nowMs, problems);
  const methods = { get: plain.get.bind(plain), range: plain.range.bind(plain), txn: plain.txn.bind(plain) };
  const more = { grantLease: plain.grantLease.bind(plain), keepAlive: plain.keepAlive.bind(plain) };
  const rest = { revokeLease: plain.revokeLease.bind(plain), watch: plain.watch.bind(plain) };
  const store = check.watching({ ...methods, ...more, ...rest, close: async () => {} });
  const takeOver = (log: JobLog, lease: Awaited<ReturnType<typeof plain.grantLease>>) =>
    log.takeOver({
      owner: { node: nodeId("node"), host: "h", pid: 1 },
      lease,
      card: CARD,
      wallMs: scheduler.nowMs,
      holder: lease,
      isDead: () => true,
    });
  await logOf("user", plain).submit(smallSpec().constants.bundle, CARD);
  const submitted = backend.snapshot();
  const lease = await store.grantLease(TTL_MS);
  const log = logOf("node", store);
  const taken = await takeOver(log, lease);
  const other = async () => takeOver(logOf("other", plain), await plain.grantLease(TTL_MS));
  const again = async () => takeOver(logOf("node", store), await store.grantLease(TTL_MS));
  const record = { version: 1, seq: 2, epoch: epoch(1), events: [completionOf(attemptOf(0, 0))] } as const;
  const append = () => log.append(record, taken!.term, undefined);
  const stepIn = async (ms: number) => {
    await scheduler.play(() => false, scheduler.nowMs);
    scheduler.after(ms, () => check.onStep(STATE));
    await scheduler.play(() => false, scheduler.nowMs + ms);
    return problems;
  };
  const { term } = taken!;
  return { process, backend, store, lease, term, submitted, other, again, append, stepIn };
}

describe("a driver may go on", () => {
  test("while nobody has taken over, and its records are written", async () => {
    const { append, stepIn } = await driven();
    expect([await append(), await stepIn(100)]).toEqual([true, []]);
  });

  test("as long as it has not heard that another one has taken over", async () => {
    const { other, stepIn } = await driven();
    await other();
    expect(await stepIn(100)).toEqual([]);
  });

  test("at the moment at which it hears", async () => {
    const { other, append, stepIn } = await driven();
    await other();
    expect([await append(), await stepIn(0)]).toEqual([false, []]);
  });

  test("for what it missed while it stood still", async () => {
    const { process, stepIn } = await driven();
    await stepIn(3 * TTL_MS - 1).then((problems) => problems.splice(0));
    process.freeze();
    process.thaw();
    expect(await stepIn(0)).toEqual([]);
  });
});

test("a driver hears nothing of what another take-over in its process is refused", async () => {
  const { store, term, lease, other, stepIn } = await driven();
  await other();
  const { epoch: key, driver } = jobKeys(SMALL_JOB);
  const record = `${jobKeys(SMALL_JOB).logPrefix}000000000002`;
  const value = Buffer.from("3 late");
  const { succeeded } = await store.txn({
    compare: [{ key, target: "value", op: "=", value: term }],
    success: [
      { kind: "put", key, value },
      { kind: "put", key: driver, value, lease },
      { kind: "put", key: record, value },
    ],
  });
  const { entry } = await store.get(record);
  expect([succeeded, entry === undefined, await stepIn(1)]).toEqual([false, false, []]);
});

test("a driver that has the epoch of a former one in this process again is not told of for what that one heard", async () => {
  const { backend, store, lease, submitted, again, append, stepIn } = await driven();
  expect(await append()).toBe(true);
  backend.revokeLease(lease);
  expect(await store.keepAlive(lease)).toBe(false);
  backend.restore(submitted);
  await again();
  expect(await stepIn(1)).toEqual([]);
});

describe("a driver is told of that goes on", () => {
  test("after its record was refused, and another one stands there", async () => {
    const { other, append, stepIn } = await driven();
    await other();
    expect([await append(), await stepIn(1)]).toEqual([
      false,
      [expect.stringMatching(/L16: .* after it heard/)],
    ]);
  });

  test("after it was told that its lease has ended", async () => {
    const { backend, store, lease, stepIn } = await driven();
    backend.revokeLease(lease);
    expect(await store.keepAlive(lease)).toBe(false);
    expect(await stepIn(1)).toEqual([expect.stringMatching(/L16: .* after it heard/)]);
  });

  test("long after it heard the last of its lease", async () => {
    const { store, lease, stepIn } = await driven();
    expect(await stepIn(TTL_MS - 1)).toEqual([]);
    await store.keepAlive(lease);
    expect(await stepIn(2 * TTL_MS - 1)).toEqual([]);
    expect(await stepIn(2)).toEqual([expect.stringMatching(/L16: .* after its lease was to be relied on/)]);
  });
});
