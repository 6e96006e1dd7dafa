import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectEtcd, openEtcdControlStore } from "../../src/adapters/etcd/open.ts";
import { countEtcdMembers, readEtcdStatus } from "../../src/adapters/etcd/status.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import { controlStoreContract, put } from "../../src/ports/control-store.contract.ts";
import { controlStoreModelTest } from "../../src/ports/control-store.fuzz.contract.ts";
import { EtcdServers, hasEtcd } from "./etcd-servers.ts";
import { storeCluster } from "./store-clusters.ts";

/** Longer than anybody waits for a connection. */
const STILL_MS = 2_500;

describe.runIf(hasEtcd)("etcd of three members", () => {
  let etcd: EtcdServers;
  beforeAll(async () => {
    etcd = await EtcdServers.start(3);
  });
  afterAll(() => etcd?.stop());

  controlStoreContract("The store on etcd", async () => storeCluster(etcd.endpoints));
  controlStoreModelTest("The store on etcd", async () => storeCluster(etcd.endpoints));

  test("compares what is, not what a member last heard of, where nothing else is asked for", async () => {
    const stores = await Promise.all(
      etcd.endpoints.map((endpoint) =>
        openEtcdControlStore({ endpoints: [endpoint], clock: systemClock, prefix: "compare/" }),
      ),
    );
    try {
      for (let i = 0; i < 100; i++) {
        const [writer, ...others] = [...stores.slice(i % 3), ...stores.slice(0, i % 3)];
        const { revision } = await writer!.txn({ compare: [], success: [put("k", String(i))] });
        const compare = [{ key: "k", target: "modRevision", op: "=", value: revision }] as const;
        const empty = { kind: "deleteRange", from: "b", to: "a" } as const;
        for (const other of others) {
          const expected = { succeeded: true, revision, gets: [] };
          expect(await other.txn({ compare, success: [] })).toEqual(expected);
          expect(await other.txn({ compare, success: [empty], failure: [empty] })).toEqual(expected);
        }
      }
    } finally {
      for (const store of stores) await store.close();
    }
  });

  test("is reached by a process that stands still while it connects", async () => {
    const options = { endpoints: etcd.endpoints, clock: systemClock, prefix: "still/" };
    // All that it takes is loaded then.
    await (await openEtcdControlStore(options)).close();
    const opening = openEtcdControlStore(options);
    await new Promise(setImmediate);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STILL_MS);
    const store = await opening;
    expect((await store.get("k")).entry).toBeUndefined();
    await store.close();
  });

  test("says of each member what it runs, and which one leads", async () => {
    const [nowhere] = ["127.0.0.1:1"];
    const client = await connectEtcd({ endpoints: [...etcd.endpoints, nowhere!], clock: systemClock });
    try {
      const leader = await etcd.leader();
      const members = await readEtcdStatus(client);
      expect(members.map(({ endpoint }) => endpoint)).toEqual([...etcd.endpoints, nowhere]);
      expect(members.map(({ isLeader }) => isLeader)).toEqual([0, 1, 2, 3].map((index) => index === leader));
      expect(members.map(({ hasLeader }) => hasLeader)).toEqual([true, true, true, false]);
      for (const { version, databaseBytes, failure } of members.slice(0, 3)) {
        expect(version).toMatch(/^3\.\d+\.\d+/);
        expect(databaseBytes).toBeGreaterThan(0);
        expect(failure).toBeUndefined();
      }
      expect(members[3]?.failure).toContain("ECONNREFUSED");
      expect(await countEtcdMembers(client)).toBe(3);
    } finally {
      client.close();
    }
  });
});
