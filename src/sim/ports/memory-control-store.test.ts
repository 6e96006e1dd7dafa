import { expect, test } from "vitest";
import { controlStoreContract, ManualClock, type StoreCluster } from "../../ports/control-store.contract.ts";
import { controlStoreModelTest } from "../../ports/control-store.fuzz.contract.ts";
import type { ControlStore, Op, WatchEvent } from "../../ports/control-store.ts";
import { MemoryControlStore, MemoryStoreBackend } from "./memory-control-store.ts";

async function makeCluster(): Promise<StoreCluster> {
  const clock = new ManualClock();
  const backend = new MemoryStoreBackend(clock);
  const clients: ControlStore[] = [];
  return {
    connect: async () => {
      const client = new MemoryControlStore(backend);
      clients.push(client);
      return client;
    },
    elapse: (delayMs) => clock.advance(delayMs),
    compact: async () => backend.compact(backend.history().revision),
    close: async () => {
      for (const client of clients) await client.close();
    },
  };
}

controlStoreContract("MemoryControlStore", makeCluster);
controlStoreModelTest("MemoryControlStore", makeCluster);

test("a state that is restored has its keys, its revisions and its leases, and no watch goes on", async () => {
  const clock = new ManualClock();
  const backend = new MemoryStoreBackend(clock);
  const store = new MemoryControlStore(backend);
  const write = (...success: readonly Op[]) => store.txn({ compare: [], success });
  const put = (key: string, lease?: string): Op => {
    return { kind: "put", key, value: Buffer.from(key), ...(lease === undefined ? {} : { lease }) };
  };
  const lease = await store.grantLease(2_000);
  await write(put("b"));
  const { revision } = await write(put("a", lease));
  const state = await store.range("a", "z");
  const snapshot = backend.snapshot();
  await clock.advance(1_500);
  const later = await store.grantLease(2_000);
  await write(put("c", later));
  await store.revokeLease(lease);
  const told: WatchEvent[] = [];
  store.watch({ from: "a", to: "z" }, (event) => told.push(event));
  await Promise.resolve();

  backend.restore(snapshot);
  expect(await store.range("a", "z")).toEqual(state);
  expect(told).toEqual([{ kind: "failed", reason: expect.any(String) as string }]);
  expect([await store.keepAlive(later), await store.keepAlive(lease)]).toEqual([false, true]);
  expect([lease, later]).not.toContain(await store.grantLease(2_000));
  await clock.advance(1_999);
  expect((await store.get("a")).entry).toEqual(state.entries[0]);
  await clock.advance(1);
  expect(await store.get("a")).toEqual({ entry: undefined, revision: revision + 1 });
  expect((await write(put("b"))).revision).toBe(revision + 2);
});

test("what was committed in the step that forgets it is told first", () => {
  const backend = new MemoryStoreBackend(new ManualClock());
  const told: number[] = [];
  backend.onChange(() => {
    const { firstRevision, commitsFrom } = backend.history();
    for (const { revision } of commitsFrom(firstRevision)) told.push(revision);
  });
  const value = Buffer.from("1");
  const { revision } = backend.txn({ compare: [], success: [{ kind: "put", key: "a", value }] });
  backend.compact(revision + 1);
  expect(told).toEqual([revision]);
});
