import { describe, expect, test } from "vitest";
import { BicoastalError } from "../../../base/errors.ts";
import { Prng } from "../../../base/prng.ts";
import type { ControlStore, GetResult, LeaseId, TxnRequest } from "../../../ports/control-store.ts";
import { CrashPoints } from "../../faults/crash-points.ts";
import { Faults } from "../../faults/faults.ts";
import { ALWAYS, faultyStore } from "../../faults/faulty-store.ts";
import { NO_FAULTS } from "../../faults/rates.ts";
import { MemoryControlStore, MemoryStoreBackend } from "../../ports/memory-control-store.ts";
import { SimProcess } from "../../process.ts";
import { Scheduler } from "../../scheduler.ts";
import { Trace } from "../../trace.ts";
import { changedStore } from "./changed-store.ts";
import { StoreHistory } from "./store-history.ts";

const RUNS = 60;
const CLIENTS = 4;
const CALLS = 30;
const LEASE_MS = 1_000;
const RATES = {
  ...NO_FAULTS,
  storeRefuses: 0.1,
  storeReplyLost: 0.15,
  storeLate: 0.4,
  delayMsMax: 1_500,
};

type Break = (store: ControlStore, random: Prng) => ControlStore;

/** What a few clients that work on the same few keys at once, through a store that fails, were told. */
async function play(
  seed: number,
  broken: Break = (store) => store,
  followed = seed % 2 === 0,
): Promise<readonly string[]> {
  const random = new Prng(`history ${seed}`);
  const scheduler = new Scheduler();
  const trace = new Trace(() => scheduler.nowMs, undefined);
  const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
  const history = new StoreHistory(() => scheduler.nowMs);
  // Half of the runs know what the store tells its watches, and half go by its answers alone.
  if (followed) history.follow(backend);
  const points = new CrashPoints([], false, () => {});
  const faults = new Faults({ scheduler, random, trace, points, drawn: RATES });
  let working = CLIENTS;
  for (let index = 0; index < CLIENTS; index++) {
    const process = new SimProcess(`client${index}`, scheduler);
    const own = broken(new MemoryControlStore(backend), random);
    const store = history.record(faultyStore(own, process, faults, ALWAYS));
    void work(store, process, random).then(() => working--);
    if (random.chance(0.3)) scheduler.after(random.below(5_000), () => [process.kill(), working--]);
  }
  await scheduler.play(() => working <= 0, 200_000);
  return history.problems();
}

/** Swaps, deletes, reads and leases. */
async function work(store: ControlStore, process: SimProcess, random: Prng): Promise<void> {
  const leases: LeaseId[] = [];
  for (let call = 0; call < CALLS; call++) {
    await process.awaiting(random.below(300), async () => {});
    try {
      await one(store, random, leases);
    } catch (error) {
      if (!(error instanceof BicoastalError)) throw error;
    }
  }
}

async function one(store: ControlStore, random: Prng, leases: LeaseId[]): Promise<void> {
  const key = random.pick(["a", "b", "c"]);
  const lease = leases.length > 0 && random.chance(0.3) ? { lease: random.pick(leases) } : {};
  switch (random.below(8)) {
    case 0:
      return void (await store.get(key));
    case 1:
      return void (await store.range("a", "c", random.chance(0.5) ? {} : { limit: 1 }));
    case 2:
      return void leases.push(await store.grantLease(LEASE_MS));
    case 3:
      if (leases.length > 0) await store.keepAlive(random.pick(leases));
      return;
    case 4:
      if (leases.length > 0 && random.chance(0.3)) await store.revokeLease(random.pick(leases));
      return;
    case 5:
      return void (await store.txn({ compare: [], success: [{ kind: "delete", key }] }));
    default: {
      const { entry } = await store.get(key);
      const value = Buffer.from(String(random.below(1_000_000)));
      const modRevision = entry?.modRevision ?? 0;
      await store.txn({
        compare: [{ key, target: "modRevision", op: "=", value: modRevision }],
        success: [
          { kind: "put", key, value, ...lease },
          { kind: "get", key: "b" },
        ],
        failure: [{ kind: "get", key }],
      });
    }
  }
}

/** In how many runs a broken store is noticed. */
async function noticed(broken: Break): Promise<number> {
  let count = 0;
  for (let seed = 0; seed < RUNS; seed++) if ((await play(seed, broken)).length > 0) count++;
  return count;
}

test("a store that works gives answers that one store can give, whatever lies on the way", async () => {
  for (let seed = 0; seed < RUNS; seed++) expect(await play(seed), `run ${seed}`).toEqual([]);
});

describe("it is noticed when a store", () => {
  test("reads what was true a while ago", async () => {
    const stale: Break = (store, random) => {
      const before = new Map<string, GetResult>();
      return changedStore(store, {
        get: async (key) => {
          const old = before.get(key);
          const now = await store.get(key);
          before.set(key, now);
          return old !== undefined && random.chance(0.2) ? old : now;
        },
      });
    };
    expect(await noticed(stale)).toBeGreaterThan(RUNS / 2);
  });

  test("does not compare", async () => {
    const blind: Break = (store) =>
      changedStore(store, { txn: (request) => store.txn({ ...request, compare: [] }) });
    expect(await noticed(blind)).toBeGreaterThan(RUNS / 2);
  });

  test("does a transaction twice", async () => {
    const twice: Break = (store, random) =>
      changedStore(store, {
        txn: async (request: TxnRequest) => {
          if (random.chance(0.1)) await store.txn(request);
          return store.txn(request);
        },
      });
    expect(await noticed(twice)).toBeGreaterThan(RUNS / 2);
  });

  test("acknowledges what it has not done", async () => {
    const forgetful: Break = (store, random) =>
      changedStore(store, {
        txn: async (request) => {
          if (!random.chance(0.1)) return store.txn(request);
          const { revision } = await store.get("a");
          return { succeeded: true, revision: revision + 1, gets: [] };
        },
      });
    expect(await noticed(forgetful)).toBeGreaterThan(RUNS / 2);
  });

  test("does what it says it has not done", async () => {
    const liar: Break = (store, random) =>
      changedStore(store, {
        txn: async (request) => {
          const result = await store.txn(request);
          if (random.chance(0.8)) return result;
          throw new BicoastalError("STORE_UNAVAILABLE", "no", { details: { outcome: "failed" } });
        },
      });
    expect(await noticed(liar)).toBeGreaterThan(RUNS / 2);
  });

  test("keeps half of a transaction", async () => {
    const torn: Break = (store, random) =>
      changedStore(store, {
        txn: (request) =>
          store.txn(random.chance(0.2) ? { ...request, success: request.success.slice(1) } : request),
      });
    expect(await noticed(torn)).toBeGreaterThan(RUNS / 2);
  });

  test("ends a lease that is kept alive", async () => {
    const hasty: Break = (store) =>
      changedStore(store, {
        keepAlive: async (lease) => {
          const alive = await store.keepAlive(lease);
          await store.revokeLease(lease);
          return alive;
        },
      });
    expect(await noticed(hasty)).toBeGreaterThan(0);
  });
});

describe("in a store that was set back", () => {
  /** One client that swaps values before and after; what it is told may be broken. */
  async function around(broken: Break = (store) => store): Promise<readonly string[]> {
    const scheduler = new Scheduler();
    const backend = new MemoryStoreBackend(new SimProcess("store", scheduler).clock);
    const history = new StoreHistory(() => scheduler.nowMs);
    history.follow(backend);
    const plain = new MemoryControlStore(backend);
    const store = history.record(changedStore(broken(plain, new Prng("set back")), {}));
    const put = (value: string) =>
      store.txn({ compare: [], success: [{ kind: "put", key: "a", value: Buffer.from(value) }] });
    const lease = await store.grantLease(LEASE_MS);
    await put("kept");
    const snapshot = backend.snapshot();
    await put("lost");
    expect((await store.get("a")).revision).toBe(3);
    backend.restore(snapshot);
    history.restored(snapshot);
    await store.get("a");
    await store.keepAlive(lease);
    expect((await put("again")).revision).toBe(3);
    await store.get("a");
    return history.problems();
  }

  test("answers are held to the state that came back", async () => {
    expect(await around()).toEqual([]);
  });

  test("an answer of what is gone is noticed", async () => {
    let reads = 0;
    let lost: GetResult | undefined;
    const remembering: Break = (store) =>
      changedStore(store, {
        get: async (key) => {
          lost ??= await store.get(key);
          return reads++ === 1 ? lost : store.get(key);
        },
      });
    expect(await around(remembering)).toEqual([expect.stringMatching(/S10/)]);
  });
});
