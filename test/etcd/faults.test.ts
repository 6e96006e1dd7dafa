/** What a client sees while members of the cluster are killed, frozen and started again. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { KV } from "../../src/adapters/etcd/etcd-messages.ts";
import { connectEtcd, openEtcdControlStore } from "../../src/adapters/etcd/open.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import { BicoastalError } from "../../src/base/errors.ts";
import { apply, controlStoreContract, put, utf8 } from "../../src/ports/control-store.contract.ts";
import {
  type Change,
  type ControlStore,
  type Entry,
  prefixEnd,
  type WatchEvent,
} from "../../src/ports/control-store.ts";
import { delay, EtcdServers, hasEtcd, until } from "./etcd-servers.ts";
import { storeCluster } from "./store-clusters.ts";

/** Ends what hangs. */
const CATCH_UP_MS_MAX = 300_000;
/** Longer than a busy machine keeps anybody from renewing it. */
const LEASE_MS = 12_000;
const all = { from: "", to: prefixEnd("") };
const textOf = (entry: Entry | undefined): string => new TextDecoder().decode(entry?.value ?? utf8("0"));

/** The outcome that a write's failure tells; whatever else is thrown is a defect. */
function outcomeOf(error: unknown): unknown {
  if (error instanceof BicoastalError && error.code === "STORE_UNAVAILABLE") return error.details.outcome;
  throw error;
}

describe.runIf(hasEtcd)("etcd of three members", () => {
  let etcd: EtcdServers;
  let stores: ControlStore[];
  const connect = async (): Promise<ControlStore> => {
    const store = await openEtcdControlStore({ endpoints: etcd.endpoints, clock: systemClock });
    stores.push(store);
    return store;
  };
  beforeEach(async () => {
    stores = [];
    etcd = await EtcdServers.start(3);
  });
  afterEach(async () => {
    for (const store of stores ?? []) await store.close();
    await etcd?.stop();
  });
  const aFollower = async (): Promise<number> => {
    const leader = await etcd.leader();
    return [0, 1, 2].find((index) => index !== leader)!;
  };

  test("loses nothing that was acknowledged, does nothing twice, and tells each revision once", async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, connect));
    const { revision: start } = await clients[0]!.get("n");
    const watched = clients.map((store) => follow(store, start + 1));
    const history = new History();
    let isOver = false;
    const writers = clients.flatMap((store, client) =>
      [0, 1].map(async (writer) => {
        for (let i = 0; !isOver; i++) await history.increment(store, `${client}-${writer}-${i}`);
      }),
    );
    try {
      await disturb(etcd, aFollower);
      await until(CATCH_UP_MS_MAX, () => history.done.length > 100);
    } finally {
      isOver = true;
    }
    await Promise.all(writers);

    const { entry, revision } = await clients[0]!.get("n");
    const markers = (await clients[0]!.range("done/", prefixEnd("done/"))).entries;
    expect(history.done.length).toBeGreaterThan(100);
    expect(markers.map(({ key }) => key).sort()).toEqual(history.done.map((id) => `done/${id}`).sort());
    expect(Number(textOf(entry))).toBe(history.done.length);
    // What was said to have failed has not been done, not even later.
    expect(markers.map((marker) => textOf(marker)).filter((attempt) => history.failed.has(attempt))).toEqual(
      [],
    );

    for (const seen of watched) {
      await until(CATCH_UP_MS_MAX, () => seen.at(-1)?.revision === revision);
      expect(seen.map((commit) => commit.revision)).toEqual(
        Array.from({ length: revision - start }, (_, i) => start + 1 + i),
      );
      const counted = seen.flatMap(({ changes }) =>
        changes.filter(isCount).map(({ entry }) => Number(textOf(entry))),
      );
      expect(counted).toEqual(history.done.map((_, i) => i + 1));
    }
  });

  test("with one that is frozen keeps nobody waiting for it", async () => {
    const store = await connect();
    const { revision } = await store.get("n");
    const seen = follow(store, revision + 1);
    const lease = await store.grantLease(3_600_000);
    for (const index of [0, 1, 2]) {
      etcd.freeze(index);
      try {
        const history = new History();
        await history.increment(store, `frozen-${index}`);
        expect(await inTheEnd(() => store.keepAlive(lease))).toBe(true);
        expect(Number(textOf((await inTheEnd(() => store.get("n"))).entry))).toBe(index + 1);
        // Also the watch leaves the member, if it hangs there.
        await until(CATCH_UP_MS_MAX, () => seen.length === index + 1);
      } finally {
        etcd.thaw(index);
      }
      await etcd.leader();
    }
  });

  test("of which all are gone fails every call, and goes on when they are back", async () => {
    const store = await connect();
    const { revision } = await apply(store, put("k", "before"));
    const seen = follow(store, revision + 1);
    for (const index of [0, 1, 2]) await etcd.kill(index);
    const failed = { code: "STORE_UNAVAILABLE", retryable: true, details: { outcome: "failed" } };
    await expect(store.get("k")).rejects.toMatchObject(failed);
    // The first write may still find a connection that nobody has closed yet.
    await expect(apply(store, put("k", "lost"))).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(apply(store, put("k", "lost"))).rejects.toMatchObject({
      ...failed,
      message: expect.stringContaining(`${etcd.endpoints[0]}: `),
    });
    await expect(store.grantLease(1_000)).rejects.toMatchObject(failed);
    await Promise.all([0, 1, 2].map((index) => etcd.startMember(index)));
    await until(CATCH_UP_MS_MAX, async () => {
      try {
        return textOf((await store.get("k")).entry) === "before";
      } catch (error) {
        return outcomeOf(error) === undefined;
      }
    });
    await new History().increment(store, "after");
    await until(CATCH_UP_MS_MAX, () => seen.length === 1);
  });

  test("tells a watch that was away too long that what it missed is gone", async () => {
    const leader = await etcd.leader();
    // Not the one that led, even where another leads by now: the store that writes hangs on it alone.
    const away = [0, 1, 2].find((index) => index !== leader)!;
    const options = { clock: systemClock, prefix: "away/" };
    const watching = await openEtcdControlStore({ ...options, endpoints: [etcd.endpoints[away]!] });
    const writing = await openEtcdControlStore({ ...options, endpoints: [etcd.endpoints[leader]!] });
    stores.push(watching, writing);
    const { revision } = await writing.get("k");
    const events: WatchEvent[] = [];
    watching.watch({ ...all, fromRevision: revision + 1 }, (event) => void events.push(event));
    await apply(writing, put("k", "seen"));
    await until(CATCH_UP_MS_MAX, () => events.length === 1);
    await etcd.kill(away);
    await apply(writing, put("k", "missed"));
    const last = await apply(writing, put("k", "last"));
    const client = await connectEtcd({ ...options, endpoints: [etcd.endpoints[leader]!] });
    const compaction = { revision: BigInt(last.revision) };
    await client.write(KV.method.compact, compaction, () => {}).finally(() => client.close());
    await etcd.startMember(away);
    await until(CATCH_UP_MS_MAX, () => events.length === 2);
    expect(events[1]).toEqual({ kind: "compacted", compactRevision: last.revision });
    await apply(writing, put("k", "after"));
    await delay(500);
    expect(events).toHaveLength(2);
  });

  test("keeps a lease that is kept alive while its leader changes, and lets it go afterwards", async () => {
    const store = await connect();
    const lease = await store.grantLease(LEASE_MS);
    await apply(store, put("held", "x", lease));
    let isOver = false;
    const keeping = (async () => {
      for (; !isOver; await delay(300)) {
        const isAlive = await store.keepAlive(lease).catch((error) => outcomeOf(error) === "failed");
        expect(isAlive).toBe(true);
      }
    })();
    const leader = await etcd.leader();
    await etcd.kill(leader);
    await etcd.leader();
    await delay(1.5 * LEASE_MS);
    isOver = true;
    await keeping;
    expect((await inTheEnd(() => store.get("held"))).entry?.lease).toBe(lease);
    await until(CATCH_UP_MS_MAX, async () => (await inTheEnd(() => store.get("held"))).entry === undefined);
    expect(await inTheEnd(() => store.keepAlive(lease))).toBe(false);
  });
});

describe.runIf(hasEtcd)("etcd of three members, of which one is gone for good", () => {
  let etcd: EtcdServers;
  beforeAll(async () => {
    etcd = await EtcdServers.start(3);
    await etcd.kill(await etcd.leader());
    await etcd.leader();
  });
  afterAll(() => etcd?.stop());

  controlStoreContract("The store on etcd", async () => storeCluster(etcd.endpoints));
});

/** Leader and follower, killed and started again, frozen and thawed. */
async function disturb(etcd: EtcdServers, aFollower: () => Promise<number>): Promise<void> {
  for (const choose of [() => etcd.leader(), aFollower]) {
    await delay(1_000);
    const killed = await choose();
    await etcd.kill(killed);
    await delay(2_000);
    await etcd.startMember(killed);
    await delay(1_000);
    const frozen = await choose();
    etcd.freeze(frozen);
    await delay(4_000);
    etcd.thaw(frozen);
  }
  await delay(1_000);
}

/** Asks again for as long as the store cannot be reached: an election takes long on a busy machine. */
async function inTheEnd<T>(call: () => Promise<T>): Promise<T> {
  let given: { readonly got: T } | undefined;
  await until(CATCH_UP_MS_MAX, async () => {
    given = await call().then(
      (got) => ({ got }),
      (error: unknown) => (outcomeOf(error) === "failed" ? undefined : Promise.reject(error)),
    );
    return given !== undefined;
  });
  return given!.got;
}

/** Increments of one number, each with a key of its own by which a later try sees that an earlier one was done. */
class History {
  readonly done: string[] = [];
  /** Tries of which the store said that they were not done. */
  readonly failed = new Set<string>();

  async increment(store: ControlStore, id: string): Promise<void> {
    for (let tries = 0; ; tries++) {
      const attempt = `${id} ${tries}`;
      try {
        if (await this.#try(store, id, attempt)) break;
      } catch (error) {
        if (outcomeOf(error) === "failed") this.failed.add(attempt);
      }
    }
    this.done.push(id);
  }

  async #try(store: ControlStore, id: string, attempt: string): Promise<boolean> {
    const { entry } = await store.get("n");
    const { succeeded, gets } = await store.txn({
      compare: [
        { key: "n", target: "modRevision", op: "=", value: entry?.modRevision ?? 0 },
        { key: `done/${id}`, target: "version", op: "=", value: 0 },
      ],
      success: [put("n", String(Number(textOf(entry)) + 1)), put(`done/${id}`, attempt)],
      failure: [{ kind: "get", key: `done/${id}` }],
    });
    return succeeded || gets[0] !== undefined;
  }
}

const isCount = (change: Change): change is Extract<Change, { kind: "put" }> =>
  change.kind === "put" && change.entry.key === "n";

function follow(store: ControlStore, fromRevision: number): Extract<WatchEvent, { kind: "changes" }>[] {
  const seen: Extract<WatchEvent, { kind: "changes" }>[] = [];
  store.watch({ ...all, fromRevision }, (event) => {
    if (event.kind === "changes") seen.push(event);
    else throw new Error(`The watch ended: ${JSON.stringify(event)}`);
  });
  return seen;
}
