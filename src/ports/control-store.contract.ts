/** What every control store must do. Only what etcd does too: its adapter is to pass this suite as well. Long because one suite holds the whole model. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "./clock.ts";
import {
  type Compare,
  type ControlStore,
  type Entry,
  type Op,
  prefixEnd,
  type TxnRequest,
  type WatchEvent,
  type WatchRequest,
} from "./control-store.ts";

/** A store of its own for each case. */
export interface StoreCluster {
  /** One more client; the cluster closes it. */
  readonly connect: () => Promise<ControlStore>;
  /** Lets so much time pass, for the store and its clients, and all that is due happen. */
  readonly elapse: (delayMs: number) => Promise<void>;
  /** Has the store forget the changes before now; may write to keys that begin with "~". */
  readonly compact: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Time that passes by hand, for stores that are given a clock. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #wallAheadMs = 1_800_000_000_000;
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();

  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#nowMs + this.#wallAheadMs;
  }
  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  get timers(): number {
    return this.#timers.size;
  }
  /** Sets the wall clock forward, or back. */
  jump(byMs: number): void {
    this.#wallAheadMs += byMs;
  }
  /** Runs what is due in the order of time, then lets promises follow. */
  async advance(delayMs: number): Promise<void> {
    const endMs = this.#nowMs + delayMs;
    for (;;) {
      await turn();
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.callback();
    }
    this.#nowMs = endMs;
    await turn();
  }
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
export const put = (key: string, value = "", lease?: string): Op =>
  lease === undefined
    ? { kind: "put", key, value: utf8(value) }
    : { kind: "put", key, value: utf8(value), lease };
const del = (key: string): Op => ({ kind: "delete", key });
const get = (key: string): Op => ({ kind: "get", key });
export const apply = (store: ControlStore, ...success: Op[]) => store.txn({ compare: [], success });

const textOf = (entry: Entry | undefined): string | undefined =>
  entry === undefined ? undefined : new TextDecoder().decode(entry.value);
const all = { from: "", to: prefixEnd("") };
/** Of a lease that is to end, or not to: longer than a busy machine takes from one call to the next. */
const LEASE_MS = 6_000;
const EVENTUALLY_TRIES_MAX = 200;
const EVENTUALLY_MS_MAX = 300_000;
const keysOf = async (store: ControlStore, from = all.from, to = all.to): Promise<readonly string[]> =>
  (await store.range(from, to)).entries.map(({ key }) => key);

export function controlStoreContract(name: string, makeCluster: () => Promise<StoreCluster>): void {
  describe(`${name} is a control store`, () => {
    let cluster: StoreCluster;
    let store: ControlStore;
    beforeEach(async () => {
      cluster = await makeCluster();
      store = await cluster.connect();
    });
    afterEach(() => cluster.close());

    /** Both so often and for so long: time may pass by hand or by itself, and what is real needs the latter. */
    const eventually = async (happened: () => boolean | Promise<boolean>): Promise<void> => {
      const endMs = performance.now() + EVENTUALLY_MS_MAX;
      for (let tries = 0; tries < EVENTUALLY_TRIES_MAX || performance.now() < endMs; tries++) {
        if (await happened()) return;
        await cluster.elapse(50);
      }
      throw new Error("It never happened");
    };
    /** Collects what a watch says. */
    const watching = (client: ControlStore, request: Partial<WatchRequest> = {}) => {
      const events: WatchEvent[] = [];
      const watch = client.watch({ ...all, ...request }, (event) => void events.push(event));
      return { events, watch };
    };

    describe("entries", () => {
      test("an entry tells who made it when and how often it changed", async () => {
        const { revision } = await store.get("k");
        const made = await apply(store, put("k", "one"));
        const changed = await apply(store, put("k", "two"));
        expect([made.revision, changed.revision]).toEqual([revision + 1, revision + 2]);
        expect(await store.get("k")).toEqual({
          entry: {
            key: "k",
            value: utf8("two"),
            createRevision: made.revision,
            modRevision: changed.revision,
            version: 2,
            lease: undefined,
          },
          revision: changed.revision,
        });
      });

      test("a key that was deleted and made again is new", async () => {
        await apply(store, put("k", "one"));
        await apply(store, put("k", "two"));
        await apply(store, del("k"));
        expect((await store.get("k")).entry).toBeUndefined();
        const { revision } = await apply(store, put("k", "three"));
        const { entry } = await store.get("k");
        expect(entry).toMatchObject({ createRevision: revision, modRevision: revision, version: 1 });
      });

      test("values are any bytes, none as well, up to 1 MiB", async () => {
        const large = Uint8Array.from({ length: 1024 * 1024 }, (_, i) => (i * 31) ^ (i >>> 8));
        await apply(store, { kind: "put", key: "large", value: large });
        await apply(store, put("empty"), { kind: "put", key: "zeros", value: new Uint8Array(3) });
        const { entries } = await store.range(all.from, all.to);
        expect(entries.map(({ key, value }) => [key, value.length])).toEqual([
          ["empty", 0],
          ["large", large.length],
          ["zeros", 3],
        ]);
        expect(Buffer.from(entries[1]!.value).equals(large)).toBe(true);
        expect(Buffer.from((await store.get("large")).entry!.value).equals(large)).toBe(true);
      });

      test("a value is taken when the call is made", async () => {
        const value = utf8("before");
        const done = store.txn({ compare: [], success: [{ kind: "put", key: "k", value }] });
        value.fill(0);
        await done;
        expect(textOf((await store.get("k")).entry)).toBe("before");
      });

      test("keys are any text of up to 512 bytes", async () => {
        const keys = ["\0", " ", "/a/b", "\u00e9".repeat(256), "\u{1f600}", "__proto__", "k".repeat(512)];
        for (const key of keys) await apply(store, put(key, key));
        for (const key of keys) expect(textOf((await store.get(key)).entry)).toBe(key);
      });

      test("what one client wrote, the others read at once", async () => {
        const other = await cluster.connect();
        for (let i = 0; i < 20; i++) {
          const { revision } = await apply(i % 2 === 0 ? store : other, put("k", String(i)));
          const seen = await (i % 2 === 0 ? other : store).get("k");
          expect([textOf(seen.entry), seen.revision]).toEqual([String(i), revision]);
        }
      });
    });

    describe("ranges", () => {
      test("ascend by UTF-8 bytes, which is not the order of JavaScript's strings", async () => {
        const ordered = [
          "",
          "a",
          "a\0",
          "a\u007f",
          "a\u0080",
          "a\ud7ff",
          "a\ue000",
          "a\uffff",
          "a\u{1f600}",
          "b",
        ];
        const keys = ordered.slice(1);
        for (const key of keys.toReversed()) await apply(store, put(key));
        expect(await keysOf(store)).toEqual(keys);
        expect(await keysOf(store, "a\uffff", "a\u{1f600}")).toEqual(["a\uffff"]);
        expect(await keysOf(store, "a\u{1f600}", "b\0")).toEqual(["a\u{1f600}", "b"]);
        expect([...keys].sort()).not.toEqual(keys);
      });

      test("hold the start and not the end", async () => {
        await apply(store, put("a"), put("b"), put("c"));
        expect(await keysOf(store, "a", "c")).toEqual(["a", "b"]);
        expect(await keysOf(store, "b", "b")).toEqual([]);
        expect(await keysOf(store, "c", "a")).toEqual([]);
        expect(await keysOf(store, "bb", "z")).toEqual(["c"]);
      });

      test("of a prefix hold its keys and no others", async () => {
        await apply(store, put("job"), put("job/"), put("job/1"), put("job/\uffff"), put("job0"), put("joc"));
        expect(await keysOf(store, "job/", prefixEnd("job/"))).toEqual(["job/", "job/1", "job/\uffff"]);
      });

      test("stop at the limit and say whether there is more", async () => {
        await apply(store, put("a"), put("b"), put("c"));
        const shown = async (limit: number) => {
          const { entries, more } = await store.range(all.from, all.to, { limit });
          return [entries.map(({ key }) => key).join(""), more];
        };
        expect(await shown(1)).toEqual(["a", true]);
        expect(await shown(2)).toEqual(["ab", true]);
        expect(await shown(3)).toEqual(["abc", false]);
        expect(await shown(4)).toEqual(["abc", false]);
      });

      test("are of one revision", async () => {
        const { revision } = await apply(store, put("a", "1"), put("b", "1"));
        const seen = await store.range(all.from, all.to, { consistency: "linearizable" });
        expect(seen.revision).toBe(revision);
        expect(seen.entries.map((entry) => entry.modRevision)).toEqual([revision, revision]);
      });
    });

    describe("transactions", () => {
      const holds = async (...compare: Compare[]): Promise<boolean> =>
        (await store.txn({ compare, success: [] })).succeeded;

      test("compare numbers in every way", async () => {
        await apply(store, put("other"));
        const { revision: created } = await apply(store, put("k", "1"));
        const { revision: modified } = await apply(store, put("k", "2"));
        const actual = { version: 2, createRevision: created, modRevision: modified } as const;
        for (const target of ["version", "createRevision", "modRevision"] as const) {
          const at = actual[target];
          const outcomes = [at - 1, at, at + 1].map((value) =>
            Promise.all((["=", "!=", "<", ">"] as const).map((op) => holds({ key: "k", target, op, value }))),
          );
          expect(await Promise.all(outcomes)).toEqual([
            [false, true, false, true],
            [true, false, false, false],
            [false, true, true, false],
          ]);
        }
      });

      test("compare the numbers of a key that is not there as 0", async () => {
        for (const target of ["version", "createRevision", "modRevision"] as const) {
          expect(await holds({ key: "none", target, op: "=", value: 0 })).toBe(true);
          expect(await holds({ key: "none", target, op: ">", value: 0 })).toBe(false);
          expect(await holds({ key: "none", target, op: "<", value: 1 })).toBe(true);
          expect(await holds({ key: "none", target, op: "!=", value: 1 })).toBe(true);
        }
      });

      test("compare values by their bytes, and never those of a key that is not there", async () => {
        await apply(store, put("k", "abc"), put("empty"));
        const value = (key: string, op: "=" | "!=", text: string) =>
          holds({ key, target: "value", op, value: utf8(text) });
        expect(await value("k", "=", "abc")).toBe(true);
        expect(await value("k", "=", "ab")).toBe(false);
        expect(await value("k", "!=", "abd")).toBe(true);
        expect(await value("k", "!=", "abc")).toBe(false);
        expect(await value("empty", "=", "")).toBe(true);
        expect(await value("none", "=", "")).toBe(false);
        expect(await value("none", "!=", "x")).toBe(false);
      });

      test("do one branch or the other, by all comparisons together", async () => {
        const swap = (version: number): TxnRequest => ({
          compare: [
            { key: "k", target: "version", op: "=", value: version },
            { key: "other", target: "version", op: "=", value: 0 },
          ],
          success: [put("k", `after ${version}`), get("k")],
          failure: [get("k"), put("failed", "yes")],
        });
        const first = await store.txn(swap(0));
        expect([first.succeeded, first.gets.map(textOf)]).toEqual([true, ["after 0"]]);
        const second = await store.txn(swap(0));
        expect([second.succeeded, second.gets.map(textOf)]).toEqual([false, ["after 0"]]);
        expect(second.revision).toBe(first.revision + 1);
        expect(await keysOf(store)).toEqual(["failed", "k"]);
      });

      test("do nothing where a comparison fails and there is no other branch", async () => {
        const { revision } = await store.get("k");
        const compare: Compare[] = [{ key: "k", target: "version", op: ">", value: 0 }];
        const result = await store.txn({ compare, success: [put("k")] });
        expect(result).toEqual({ succeeded: false, revision, gets: [] });
        expect(await keysOf(store)).toEqual([]);
      });

      test("read in their place what they did before", async () => {
        await apply(store, put("gone", "old"));
        const { gets } = await apply(
          store,
          get("k"),
          put("k", "new"),
          get("k"),
          get("gone"),
          del("gone"),
          get("gone"),
        );
        expect(gets.map(textOf)).toEqual([undefined, "new", "old", undefined]);
      });

      test("carry one revision, and none where nothing changes", async () => {
        const { revision } = await apply(store, put("a"), put("b"), del("none"));
        expect((await store.get("a")).entry?.modRevision).toBe(revision);
        expect((await store.get("b")).entry?.modRevision).toBe(revision);
        expect((await apply(store, get("a"))).revision).toBe(revision);
        expect((await apply(store, del("none"))).revision).toBe(revision);
        expect((await apply(store, { kind: "deleteRange", from: "x", to: "z" })).revision).toBe(revision);
        expect((await apply(store, put("a"))).revision).toBe(revision + 1);
      });

      test("delete ranges, which may overlap", async () => {
        await apply(store, put("a"), put("b"), put("b\uffff"), put("b\u{1f600}"), put("c"));
        const { revision } = await apply(
          store,
          { kind: "deleteRange", from: "b", to: prefixEnd("b") },
          del("b"),
          put("d"),
        );
        expect(await keysOf(store)).toEqual(["a", "c", "d"]);
        expect((await store.get("a")).revision).toBe(revision);
      });

      test("of many clients lose nothing and do nothing twice", async () => {
        const clients = await Promise.all(Array.from({ length: 4 }, () => cluster.connect()));
        const increment = async (client: ControlStore): Promise<void> => {
          for (;;) {
            const { entry } = await client.get("n");
            const next = Number(textOf(entry) ?? 0) + 1;
            const compare: Compare[] = [
              { key: "n", target: "modRevision", op: "=", value: entry?.modRevision ?? 0 },
            ];
            if ((await client.txn({ compare, success: [put("n", String(next))] })).succeeded) return;
          }
        };
        await Promise.all(clients.flatMap((client) => Array.from({ length: 10 }, () => increment(client))));
        const { entry } = await store.get("n");
        expect([textOf(entry), entry?.version]).toEqual(["40", 40]);
      });
    });

    describe("limits", () => {
      const refused = { code: "STORE_REFUSED", details: { outcome: "failed" } };
      const expectRefused = async (request: Partial<TxnRequest>): Promise<void> => {
        const { revision } = await store.get("k");
        await expect(store.txn({ compare: [], success: [], ...request })).rejects.toMatchObject(refused);
        expect((await store.get("k")).revision).toBe(revision);
      };
      const puts = (count: number): Op[] => Array.from({ length: count }, (_, i) => put(`k${i}`));
      const bytes = (key: string, length: number): Op => ({
        kind: "put",
        key,
        value: new Uint8Array(length),
      });

      test("100 operations a branch and 100 comparisons", async () => {
        const compare = (count: number): Compare[] =>
          puts(count).map(({ kind: _, ...rest }) => ({
            key: "key" in rest ? rest.key : "",
            target: "version",
            op: "=",
            value: 0,
          }));
        const most = await store.txn({ compare: compare(100), success: puts(100), failure: puts(100) });
        expect(most.succeeded).toBe(true);
        await expectRefused({ success: puts(101) });
        await expectRefused({ failure: puts(101) });
        await expectRefused({ compare: compare(101) });
      });

      test("1 MiB of values", async () => {
        const half = 512 * 1024;
        await apply(store, bytes("a", half), bytes("b", half));
        await expectRefused({ success: [bytes("a", half), bytes("b", half + 1)] });
        await expectRefused({ success: [bytes("a", half)], failure: [bytes("a", half), put("b", "x")] });
        await expectRefused({
          compare: [{ key: "a", target: "value", op: "=", value: new Uint8Array(2 * half + 1) }],
        });
      });

      test("one write a key", async () => {
        await expectRefused({ success: [put("k", "1"), put("k", "2")] });
        await expectRefused({ success: [put("k"), del("k")] });
        await expectRefused({ success: [{ kind: "deleteRange", from: "a", to: "z" }, put("k")] });
        await expectRefused({ failure: [put("k"), put("k")] });
        await store.txn({ compare: [], success: [put("k")], failure: [put("k")] });
      });

      test("keys of 1 to 512 bytes of well-formed text", async () => {
        for (const key of ["", "k".repeat(513), "\u00e9".repeat(257), "\ud800", "a\udc00b", "\u{10ffff}"]) {
          await expectRefused({ success: [put(key)] });
          await expectRefused({ success: [del(key)] });
          await expectRefused({ compare: [{ key, target: "version", op: "=", value: 0 }] });
          await expect(store.get(key)).rejects.toMatchObject(refused);
        }
        await expect(store.range("a", "\ud800")).rejects.toMatchObject(refused);
        await store.range("k".repeat(512), prefixEnd("k".repeat(512)));
      });

      test("range limits from 1, watches from revision 1, leases from a second to a day", async () => {
        for (const limit of [0, -1, 1.5, Number.NaN])
          await expect(store.range("a", "b", { limit })).rejects.toMatchObject(refused);
        for (const fromRevision of [0, -1, 1.5, Number.NaN])
          expect(() => store.watch({ ...all, fromRevision }, () => {})).toThrowError(
            expect.objectContaining({ code: "STORE_REFUSED" }),
          );
        for (const ttlMs of [0, -1, 999, Number.NaN, 86_400_001, Number.POSITIVE_INFINITY])
          await expect(store.grantLease(ttlMs)).rejects.toMatchObject(refused);
      });
    });

    describe("leases", () => {
      test("take their keys with them when their time is over, for readers at once", async () => {
        const lease = await store.grantLease(LEASE_MS);
        await apply(store, put("held", "x", lease), put("free"));
        expect((await store.get("held")).entry?.lease).toBe(lease);
        await cluster.elapse(1_000);
        expect(await keysOf(store)).toEqual(["free", "held"]);
        await eventually(async () => (await store.get("held")).entry === undefined);
        expect(await keysOf(store)).toEqual(["free"]);
        expect(await store.keepAlive(lease)).toBe(false);
      });

      test("live on while they are kept alive, by whomever", async () => {
        const other = await cluster.connect();
        const lease = await store.grantLease(LEASE_MS);
        await apply(store, put("held", "x", lease));
        for (let i = 0; i < 8; i++) {
          await cluster.elapse(1_000);
          expect(await (i % 2 === 0 ? other : store).keepAlive(lease)).toBe(true);
        }
        expect(await keysOf(other)).toEqual(["held"]);
      });

      test("outlive the client that made them", async () => {
        const other = await cluster.connect();
        const lease = await other.grantLease(LEASE_MS);
        await apply(other, put("held", "x", lease));
        await other.close();
        expect(await keysOf(store)).toEqual(["held"]);
        await eventually(async () => (await keysOf(store)).length === 0);
      });

      test("that are revoked take their keys with them, in one revision", async () => {
        const { events } = watching(store);
        const lease = await store.grantLease(60_000);
        const { revision } = await apply(store, put("b", "", lease), put("a", "", lease));
        await store.revokeLease(lease);
        expect(await keysOf(store)).toEqual([]);
        expect(await store.keepAlive(lease)).toBe(false);
        await store.revokeLease(lease);
        expect((await store.get("a")).revision).toBe(revision + 1);
        await eventually(() => events.length === 2);
        expect(events[1]).toEqual({
          kind: "changes",
          revision: revision + 1,
          changes: [
            { kind: "delete", key: "a", modRevision: revision + 1 },
            { kind: "delete", key: "b", modRevision: revision + 1 },
          ],
        });
      });

      test("without keys come and go without a revision", async () => {
        const { revision } = await store.get("k");
        const lease = await store.grantLease(60_000);
        expect(await store.keepAlive(lease)).toBe(true);
        await store.revokeLease(lease);
        expect((await store.get("k")).revision).toBe(revision);
      });

      test("let go of keys that are put without them, put with another, or deleted", async () => {
        const [one, two] = [await store.grantLease(60_000), await store.grantLease(60_000)];
        expect(one).not.toBe(two);
        for (const key of ["bare", "moved", "remade", "kept"]) await apply(store, put(key, "", one));
        await apply(store, put("bare"), put("moved", "", two), del("remade"), put("kept", "again", one));
        await apply(store, put("remade"));
        await store.revokeLease(one);
        expect(await keysOf(store)).toEqual(["bare", "moved", "remade"]);
        await store.revokeLease(two);
        expect(await keysOf(store)).toEqual(["bare", "remade"]);
      });

      test("that have ended take no keys, and the transaction is not done", async () => {
        const lease = await store.grantLease(60_000);
        await store.revokeLease(lease);
        const { revision } = await store.get("k");
        await expect(apply(store, put("a"), put("k", "", lease))).rejects.toMatchObject({
          code: "LEASE_GONE",
        });
        expect(await keysOf(store)).toEqual([]);
        expect((await store.get("k")).revision).toBe(revision);
        const never: TxnRequest = {
          compare: [{ key: "k", target: "version", op: ">", value: 0 }],
          success: [put("k", "", lease)],
          failure: [put("k")],
        };
        expect((await store.txn(never)).succeeded).toBe(false);
      });

      test("that expire are seen by watches of every client", async () => {
        const other = await cluster.connect();
        const [mine, others] = [watching(store), watching(other)];
        const lease = await store.grantLease(LEASE_MS);
        await apply(store, put("a", "", lease), put("b", "", lease));
        await eventually(() => mine.events.length === 2 && others.events.length === 2);
        const changes = [
          { kind: "delete", key: "a" },
          { kind: "delete", key: "b" },
        ];
        expect(mine.events[1]).toMatchObject({ kind: "changes", changes });
        expect(others.events).toEqual(mine.events);
      });
    });

    describe("watches", () => {
      test("say every change of their range, in order, a transaction at a time", async () => {
        const { revision } = await store.get("k");
        const { events } = watching(store, { from: "a", to: "c", fromRevision: revision + 1 });
        const first = await apply(store, put("b", "1"), put("a", "2"), put("c"));
        await apply(store, put("c"));
        const second = await apply(store, { kind: "deleteRange", from: "a", to: "z" }, get("a"));
        await eventually(() => events.length === 2);
        expect(events).toEqual([
          {
            kind: "changes",
            revision: first.revision,
            changes: [
              { kind: "put", entry: entryOf("b", "1", first.revision) },
              { kind: "put", entry: entryOf("a", "2", first.revision) },
            ],
          },
          {
            kind: "changes",
            revision: second.revision,
            changes: [
              { kind: "delete", key: "a", modRevision: second.revision },
              { kind: "delete", key: "b", modRevision: second.revision },
            ],
          },
        ]);
      });

      test("see what other clients write", async () => {
        const other = await cluster.connect();
        const { revision } = await store.get("k");
        const { events } = watching(store, { fromRevision: revision + 1 });
        for (let i = 0; i < 5; i++) await apply(i % 2 === 0 ? other : store, put("k", String(i)));
        await eventually(() => events.length === 5);
        expect(events.map((event) => event.kind === "changes" && event.revision - revision)).toEqual([
          1, 2, 3, 4, 5,
        ]);
      });

      test("begin at an older revision, and go on", async () => {
        const revisions: number[] = [];
        for (let i = 0; i < 50; i++) revisions.push((await apply(store, put("k", String(i)))).revision);
        const { events } = watching(store, { fromRevision: revisions[10]! });
        await eventually(() => events.length === 40);
        await apply(store, put("k", "last"));
        await eventually(() => events.length === 41);
        const values = events.flatMap((event) =>
          event.kind === "changes" ? event.changes.map((c) => c.kind === "put" && textOf(c.entry)) : [],
        );
        expect(values).toEqual([...Array.from({ length: 40 }, (_, i) => String(i + 10)), "last"]);
      });

      test("begin now, or later, and do not say what was before", async () => {
        const { revision } = await apply(store, put("k", "before"));
        const { events } = watching(store);
        const later = watching(store, { fromRevision: revision + 3 });
        await eventually(async () => {
          await apply(store, put("k", "after"));
          return events.length > 0 && later.events.length > 0;
        });
        const revisions = [...events, ...later.events].map(
          (event) => event.kind === "changes" && event.revision,
        );
        expect(revisions).not.toContain(revision);
        expect(later.events[0]).toMatchObject({ revision: revision + 3 });
      });

      test("from a revision that is gone say so, once, and end", async () => {
        const { revision } = await apply(store, put("k", "1"));
        await apply(store, put("k", "2"));
        await cluster.compact();
        const { events } = watching(store, { fromRevision: revision });
        await eventually(() => events.length > 0);
        await apply(store, put("k", "3"));
        await cluster.elapse(500);
        expect(events).toEqual([{ kind: "compacted", compactRevision: expect.any(Number) }]);
        const [event] = events;
        expect(event?.kind === "compacted" && event.compactRevision).toBeGreaterThan(revision);
        // What the port tells to do then: list, and watch from the revision after.
        const listed = await store.range(all.from, all.to);
        const again = watching(store, { fromRevision: listed.revision + 1 });
        await apply(store, put("k", "4"));
        await eventually(() => again.events.length > 0);
        expect(again.events).toMatchObject([{ kind: "changes", changes: [{ entry: { value: utf8("4") } }] }]);
      });

      test("call back neither before they are made nor after they are closed", async () => {
        const { revision } = await store.get("k");
        await apply(store, put("k", "1"));
        await apply(store, put("k", "2"));
        let made = false;
        const seen: number[] = [];
        const watch = store.watch({ ...all, fromRevision: revision + 1 }, (event) => {
          expect(made).toBe(true);
          if (event.kind === "changes") seen.push(event.revision);
          // From within its own callback, with more to come.
          watch.close();
        });
        made = true;
        const closedAtOnce = watching(store, { fromRevision: revision + 1 });
        closedAtOnce.watch.close();
        await eventually(() => seen.length > 0);
        await apply(store, put("k", "3"));
        await cluster.elapse(500);
        expect(seen).toEqual([revision + 1]);
        expect(closedAtOnce.events).toEqual([]);
      });

      test("may write, watch and close from their callbacks", async () => {
        const { revision } = await store.get("k");
        const seen: string[] = [];
        let inside = false;
        store.watch({ ...all, fromRevision: revision + 1 }, (event) => {
          expect(inside).toBe(false);
          inside = true;
          if (event.kind === "changes") seen.push(`outer ${event.revision - revision}`);
          if (seen.length === 1) {
            store.watch({ ...all, fromRevision: revision + 1 }, (e) => {
              expect(inside).toBe(false);
              if (e.kind === "changes") seen.push(`inner ${e.revision - revision}`);
            });
            void apply(store, put("k", "from the callback"));
          }
          inside = false;
        });
        await apply(store, put("k", "first"));
        await eventually(() => seen.length === 4);
        expect([...seen].sort()).toEqual(["inner 1", "inner 2", "outer 1", "outer 2"]);
      });

      test("end with their client", async () => {
        const other = await cluster.connect();
        const { events } = watching(other);
        const closing = other.close();
        await apply(store, put("k"));
        await closing;
        await cluster.elapse(500);
        expect(events).toEqual([]);
      });
    });

    describe("closing", () => {
      test("refuses every call after it, and may be repeated", async () => {
        const lease = await store.grantLease(60_000);
        await store.close();
        await store.close();
        const closed = { code: "STORE_UNAVAILABLE", details: { outcome: "failed" } };
        await expect(store.get("k")).rejects.toMatchObject(closed);
        await expect(store.range("a", "b")).rejects.toMatchObject(closed);
        await expect(apply(store, put("k"))).rejects.toMatchObject(closed);
        await expect(store.grantLease(1_000)).rejects.toMatchObject(closed);
        await expect(store.keepAlive(lease)).rejects.toMatchObject(closed);
        await expect(store.revokeLease(lease)).rejects.toMatchObject(closed);
        expect(() => watching(store, { fromRevision: 1 })).toThrowError(
          expect.objectContaining({ code: closed.code }),
        );
      });

      test("leaves the other clients alone", async () => {
        const other = await cluster.connect();
        await apply(other, put("k", "kept"));
        await other.close();
        expect(textOf((await store.get("k")).entry)).toBe("kept");
        await apply(store, put("k", "more"));
        const third = await cluster.connect();
        expect(textOf((await third.get("k")).entry)).toBe("more");
      });
    });
  });
}

const entryOf = (key: string, value: string, revision: number): Entry => ({
  key,
  value: utf8(value),
  createRevision: revision,
  modRevision: revision,
  version: 1,
  lease: undefined,
});
