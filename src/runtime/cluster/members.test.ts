import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { nodeId } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { encodeJson } from "../../protocol/codec.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../../sim/ports/memory-control-store.ts";
import { SimProcess } from "../../sim/process.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { nodeKey } from "./cluster-keys.ts";
import { Members } from "./members.ts";

const LEASE_MS = 3_000;
const SELF = nodeId("a");

/** A node that registers at a store with some calls of the test's own, and what is left at the store of it. */
function cluster(calls: (store: MemoryControlStore, backend: MemoryStoreBackend) => Partial<ControlStore>) {
  const scheduler = new Scheduler();
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const process = new SimProcess(SELF, scheduler);
  const inner = new MemoryControlStore(backend);
  const store: ControlStore = {
    get: (key) => inner.get(key),
    range: (from, to) => inner.range(from, to),
    txn: (request) => inner.txn(request),
    grantLease: (ttlMs) => inner.grantLease(ttlMs),
    keepAlive: (lease) => inner.keepAlive(lease),
    revokeLease: (lease) => inner.revokeLease(lease),
    watch: (request, onEvent) => inner.watch(request, onEvent),
    close: () => inner.close(),
    ...calls(inner, backend),
  };
  const namesakes: string[] = [];
  const members = new Members({
    store,
    timing: { clock: process.clock, random: new Prng("members") },
    self: {
      node: SELF,
      incarnation: "1",
      address: "a",
      region: "r",
      domain: "d",
      slots: 1,
      memoryBytes: 1,
      version: "0",
      startedAtMs: 0,
      state: "ready",
    },
    leaseMs: LEASE_MS,
    onChange: () => {},
    onNamesake: (card) => void namesakes.push(card.incarnation),
  });
  const wait = (ms: number): Promise<boolean> => scheduler.play(() => false, scheduler.nowMs + ms);
  return { members, backend, store: inner, namesakes, wait };
}

test("a lease that ends before the card is there is not waited for, and one alone is kept alive", async () => {
  let puts = 0;
  const { members, backend, wait } = cluster((store, at) => ({
    txn: async (request) => {
      if (puts++ === 0) for (const lease of at.leaseIds()) at.revokeLease(lease);
      return store.txn(request);
    },
  }));
  void members.start();
  await wait(10 * LEASE_MS);
  expect(members.all().map(({ node }) => node)).toEqual([SELF]);
  expect(backend.leaseIds()).toHaveLength(1);
  expect(puts).toBe(2);
});

test("a registration that a slow store held up until its lease was lost leaves no lease behind", async () => {
  const held: (() => void)[] = [];
  const { members, backend, wait } = cluster((store) => {
    let slow = true;
    return {
      keepAlive: async (lease) => {
        if (slow) throw new BicoastalError("STORE_UNAVAILABLE", "away", { details: { outcome: "failed" } });
        return store.keepAlive(lease);
      },
      txn: async (request) => {
        if (slow) await new Promise<void>((resolve) => held.push(resolve));
        slow = false;
        return store.txn(request);
      },
    };
  });
  void members.start();
  await wait(2 * LEASE_MS);
  for (const go of held) go();
  await wait(10 * LEASE_MS);
  expect(members.all().map(({ node }) => node)).toEqual([SELF]);
  expect(backend.leaseIds()).toHaveLength(1);
});

test("a lease that is lost while the card is on its way under it is replaced once", async () => {
  let go: (() => void) | undefined;
  const { members, backend, wait } = cluster((store) => ({
    txn: async (request) => {
      if (go === undefined)
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      return store.txn(request);
    },
  }));
  void members.start();
  await wait(1);
  for (const lease of backend.leaseIds()) backend.revokeLease(lease);
  // The next renewal tells of the loss; the card's answer comes before the node sets out to register again.
  await wait(LEASE_MS / 3 + 100);
  go?.();
  await wait(10 * LEASE_MS);
  expect(members.all().map(({ node }) => node)).toEqual([SELF]);
  expect(backend.leaseIds()).toHaveLength(1);
});

test("a card that goes with a lease of before, whose request was long under way, is written again before anybody looked", async () => {
  let go: (() => void) | undefined;
  let grants = 0;
  const { members, backend, wait } = cluster((store) => ({
    // As after an election of the store's, in which leases begin again: this one lives on.
    grantLease: (ttlMs) => store.grantLease(grants++ === 0 ? 100 * ttlMs : ttlMs),
    keepAlive: async (lease) => {
      if (grants > 1) return store.keepAlive(lease);
      throw new BicoastalError("STORE_UNAVAILABLE", "away", { details: { outcome: "failed" } });
    },
    txn: async (request) => {
      if (go === undefined)
        await new Promise<void>((resolve) => {
          go = resolve;
        });
      return store.txn(request);
    },
  }));
  void members.start();
  await wait(3 * LEASE_MS);
  expect([grants, backend.get(nodeKey(SELF)).entry === undefined]).toEqual([2, false]);
  go?.();
  await wait(10 * LEASE_MS);
  expect(members.all().map(({ node }) => node)).toEqual([SELF]);
  expect([backend.get(nodeKey(SELF)).entry?.lease]).toEqual(backend.leaseIds());
});

test("a card that cannot be stored, when the node comes back, is stored later under one lease", async () => {
  let full = 0;
  let fails = false;
  const { members, backend, wait } = cluster((store) => ({
    txn: async (request) => {
      if (fails && full++ < 3) throw new BicoastalError("DISK_FULL", "full");
      return store.txn(request);
    },
  }));
  void members.start();
  await wait(LEASE_MS);
  fails = true;
  for (const lease of backend.leaseIds()) backend.revokeLease(lease);
  await wait(10 * LEASE_MS);
  expect(full).toBeGreaterThan(3);
  expect(members.all().map(({ node }) => node)).toEqual([SELF]);
  expect(backend.leaseIds()).toHaveLength(1);
});

test("a node that leaves while it registers keeps nothing alive", async () => {
  const { members, backend, wait } = cluster(() => ({}));
  const started = members.start().catch(() => {});
  await members.close();
  await wait(LEASE_MS / 2);
  await started;
  expect(backend.leaseIds()).toEqual([]);
});

test("a card that was written last under a lease that ends, by a request long under way, is written again", async () => {
  const { members, backend, wait } = cluster(() => ({}));
  void members.start();
  await wait(LEASE_MS);
  const key = `nodes/${SELF}`;
  const { value } = backend.get(key).entry!;
  const late = backend.grantLease(LEASE_MS);
  const [kept] = backend.leaseIds();
  backend.txn({ compare: [], success: [{ kind: "put", key, value, lease: late }] });
  backend.revokeLease(late);
  await wait(10 * LEASE_MS);
  expect(members.all().map(({ node }) => node)).toEqual([SELF]);
  expect([backend.get(key).entry?.lease, ...backend.leaseIds()]).toEqual([kept, kept]);
});

test("a card of a later start under the same name is left alone", async () => {
  const { backend, members, wait } = cluster(() => ({}));
  void members.start();
  await wait(LEASE_MS);
  const key = `nodes/${SELF}`;
  const { value } = backend.get(key).entry!;
  const later = Buffer.from(Buffer.from(value).toString().replace('"incarnation":"1"', '"incarnation":"2"'));
  backend.txn({ compare: [], success: [{ kind: "put", key, value: later }] });
  await wait(10 * LEASE_MS);
  expect(members.get(SELF)?.incarnation).toBe("2");
});

test("a node whose name another one takes, and takes along when it goes, is seen again", async () => {
  const { members, backend, store, namesakes, wait } = cluster(() => ({}));
  void members.start();
  await wait(LEASE_MS);
  const other = await store.grantLease(LEASE_MS);
  const card = { ...members.get(SELF), incarnation: "2" };
  const put = { kind: "put", key: nodeKey(SELF), value: encodeJson(card), lease: other } as const;
  await store.txn({ compare: [], success: [put] });
  await wait(1);
  expect([members.get(SELF)?.incarnation, namesakes]).toEqual(["2", ["2"]]);
  backend.revokeLease(other);
  await wait(LEASE_MS);
  expect(members.get(SELF)?.incarnation).toBe("1");
  expect(namesakes).toEqual(["2"]);
});
