import { afterEach, describe, expect, test } from "vitest";
import { openEtcdControlStore } from "../../src/adapters/etcd/open.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import { apply, put } from "../../src/ports/control-store.contract.ts";
import { type ControlStore, type Op, prefixEnd } from "../../src/ports/control-store.ts";
import { EtcdServers, hasEtcd } from "./etcd-servers.ts";

const KEYS = 1_200;
const FILLS_MAX = 100;
const bytes = (key: string, length: number): Op => ({ kind: "put", key, value: new Uint8Array(length) });

describe.runIf(hasEtcd)("the store on an etcd", () => {
  let etcd: EtcdServers | undefined;
  let store: ControlStore | undefined;
  const start = async (...args: string[]): Promise<ControlStore> => {
    etcd = await EtcdServers.start(1, { args });
    store = await openEtcdControlStore({ endpoints: etcd.endpoints, clock: systemClock });
    return store;
  };
  afterEach(async () => {
    await store?.close();
    await etcd?.stop();
  });

  test("reads a range of many pages as it was at one revision, whatever is written meanwhile", async () => {
    const store = await start();
    const keys = Array.from({ length: KEYS }, (_, i) => `k${String(i).padStart(5, "0")}`);
    const writeAll = async (): Promise<void> => {
      // Backwards, so that a read that goes on in a later state shows.
      for (let end = KEYS; end > 0; end -= 100)
        await apply(store, ...keys.slice(end - 100, end).map((key, i) => bytes(key, i === 0 ? 300_000 : 10)));
    };
    await writeAll();
    for (let tries = 0; tries < 5; tries++) {
      const [{ entries, revision, more }] = await Promise.all([store.range("", prefixEnd("")), writeAll()]);
      expect(entries.map(({ key }) => key)).toEqual(keys);
      expect(more).toBe(false);
      const revisions = entries.filter((_, i) => i % 100 === 0).map(({ modRevision }) => modRevision);
      expect(Math.max(...revisions)).toBe(revision);
      // The last twelve transactions before it, each of which wrote another part.
      expect([...revisions].sort((a, b) => a - b)).toEqual(revisions.map((_, i) => revision - 11 + i));
    }
    for (const limit of [99, 100, 101, KEYS - 1, KEYS, KEYS + 1]) {
      const { entries, more } = await store.range("", prefixEnd(""), { limit });
      expect([entries.length, more]).toEqual([Math.min(limit, KEYS), limit < KEYS]);
    }
  });

  test("that takes less than most says so, and has done nothing", async () => {
    const store = await start("--max-txn-ops", "10", "--max-request-bytes", "100000");
    const refused = { code: "STORE_REFUSED", details: { outcome: "failed" } };
    await expect(apply(store, ...Array.from({ length: 11 }, (_, i) => put(`k${i}`)))).rejects.toMatchObject(
      refused,
    );
    await expect(apply(store, bytes("large", 200_000))).rejects.toMatchObject(refused);
    await expect(apply(store, bytes("larger", 1_000_000))).rejects.toMatchObject(refused);
    expect((await store.range("", prefixEnd(""))).entries).toEqual([]);
  });

  test("that is full says so, and can still be read", async () => {
    const store = await start("--quota-backend-bytes", String(16 * 1024 * 1024));
    const fill = async (): Promise<void> => {
      for (let i = 0; i < FILLS_MAX; i++) await apply(store, bytes(`fill-${i}`, 1_000_000));
    };
    await expect(fill()).rejects.toMatchObject({
      code: "DISK_FULL",
      retryable: true,
      message: expect.stringContaining("alarm disarm"),
      // A member may say so of what it has done.
      details: { outcome: "unknown" },
    });
    expect((await store.get("fill-0")).entry?.value).toHaveLength(1_000_000);
  });
});
