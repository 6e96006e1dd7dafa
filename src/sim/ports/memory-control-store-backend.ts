/**
 * The state of a control store in memory, shared by its clients: entries, leases, the changes of the last revisions.
 *
 * Every call acts at once and whole. Leases are looked at before each call and by one timer of the clock, so nothing
 * of an expired lease is ever seen; several that end together end by deadline, then by id.
 */
import type { Clock } from "../../ports/clock.ts";
import type {
  Change,
  Entry,
  LeaseId,
  RangeResult,
  TxnRequest,
  TxnResult,
} from "../../ports/control-store.ts";
import { compareStoreKeys } from "../../ports/control-store-limits.ts";
import { planDeletes, planTxn, type StoreView } from "../../ports/control-store-plan.ts";
import type { Commit, StoreHistory } from "../../ports/control-store-watches.ts";

const HISTORY_REVISIONS_MAX = 10_000;

interface Lease {
  readonly id: LeaseId;
  readonly number: number;
  readonly ttlMs: number;
  readonly keys: Set<string>;
  deadlineMs: number;
}

/** A state of a store, to be restored later: as a file that `etcdctl snapshot save` writes. */
export interface StoreSnapshot {
  readonly revision: number;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly leases: readonly { readonly id: LeaseId; readonly number: number; readonly ttlMs: number }[];
}

export interface MemoryStoreOptions {
  /** Revisions whose changes are kept for watches. From 1; default 10,000. */
  readonly historyRevisionsMax?: number;
}

export class MemoryStoreBackend {
  readonly #clock: Clock;
  readonly #historyRevisionsMax: number;
  readonly #entries = new Map<string, Entry>();
  /** Keys of the entries, ascending. */
  readonly #keys: string[] = [];
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #listeners = new Set<() => void>();
  readonly #setBackListeners = new Set<() => void>();
  readonly #commits: Commit[] = [];
  #revision = 1;
  #leasesGranted = 0;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, { historyRevisionsMax = HISTORY_REVISIONS_MAX }: MemoryStoreOptions = {}) {
    this.#clock = clock;
    this.#historyRevisionsMax = historyRevisionsMax;
  }

  get(key: string): { readonly entry: Entry | undefined; readonly revision: number } {
    this.#expire();
    return { entry: this.#entries.get(key), revision: this.#revision };
  }

  range(from: string, to: string, limit = Number.POSITIVE_INFINITY): RangeResult {
    this.#expire();
    const entries: Entry[] = [];
    for (const entry of this.#rangeOf(from, to)) {
      if (entries.length === limit) return { entries, revision: this.#revision, more: true };
      entries.push(entry);
    }
    return { entries, revision: this.#revision, more: false };
  }

  txn(request: TxnRequest): TxnResult {
    this.#expire();
    const view: StoreView = {
      get: (key) => this.#entries.get(key),
      range: (from, to) => this.#rangeOf(from, to),
      hasLease: (lease) => this.#leases.has(lease),
    };
    const { succeeded, gets, changes } = planTxn(view, request, this.#revision + 1);
    this.#commit(changes);
    return { succeeded, revision: this.#revision, gets };
  }

  grantLease(ttlMs: number): LeaseId {
    this.#expire();
    const number = ++this.#leasesGranted;
    const id: LeaseId = String(number);
    const deadlineMs = this.#clock.monotonicMs() + ttlMs;
    this.#leases.set(id, { id, number, ttlMs, keys: new Set(), deadlineMs });
    this.#arm();
    return id;
  }

  keepAlive(id: LeaseId): boolean {
    this.#expire();
    const lease = this.#leases.get(id);
    if (lease === undefined) return false;
    lease.deadlineMs = this.#clock.monotonicMs() + lease.ttlMs;
    this.#arm();
    return true;
  }

  revokeLease(id: LeaseId): void {
    this.#expire();
    const lease = this.#leases.get(id);
    if (lease !== undefined) this.#end(lease);
    this.#arm();
  }

  /** In the order in which they were granted. */
  leaseIds(): readonly LeaseId[] {
    this.#expire();
    return [...this.#leases.keys()];
  }

  /** All leases begin again, as when another member of a store comes to lead it. Returns how many there are. */
  renewLeases(): number {
    for (const id of this.leaseIds()) this.keepAlive(id);
    return this.#leases.size;
  }

  snapshot(): StoreSnapshot {
    this.#expire();
    const leases = [...this.#leases.values()].map(({ id, number, ttlMs }) => ({ id, number, ttlMs }));
    return { revision: this.#revision, entries: new Map(this.#entries), leases };
  }

  /**
   * All is as it was: keys, revisions, which go on from there and so come again, and leases, each of which has its whole time.
   * What was committed until now is told first. No lease gets the name of one that was ever granted, as in etcd, whose names
   * hold the time.
   */
  restore({ revision, entries, leases }: StoreSnapshot): void {
    this.#expire();
    for (const listener of this.#listeners) listener();
    this.#revision = revision;
    this.#entries.clear();
    for (const [key, entry] of entries) this.#entries.set(key, entry);
    this.#keys.splice(0, this.#keys.length, ...[...entries.keys()].sort(compareStoreKeys));
    this.#leases.clear();
    for (const { id, number, ttlMs } of leases) {
      const keys = [...entries.values()].filter(({ lease }) => lease === id).map(({ key }) => key);
      const deadlineMs = this.#clock.monotonicMs() + ttlMs;
      this.#leases.set(id, { id, number, ttlMs, keys: new Set(keys), deadlineMs });
    }
    while ((this.#commits.at(-1)?.revision ?? 0) > revision) this.#commits.pop();
    this.#arm();
    for (const listener of this.#setBackListeners) listener();
  }

  /** Calls back after the state was restored. Returns what ends it. */
  onSetBack(listener: () => void): () => void {
    this.#setBackListeners.add(listener);
    return () => void this.#setBackListeners.delete(listener);
  }

  /** Forgets the changes of every revision before this one. What was committed in this very step is told first. */
  compact(revision: number): void {
    for (const listener of this.#listeners) listener();
    while (this.#firstRevision() < Math.min(revision, this.#revision + 1)) this.#commits.shift();
  }

  history(): StoreHistory {
    this.#expire();
    return {
      revision: this.#revision,
      firstRevision: this.#firstRevision(),
      commitsFrom: (revision) => {
        const index = revision - this.#firstRevision();
        // A callback in between may have led to more commits, and to fewer kept.
        return index < 0 ? [] : this.#commits.slice(index);
      },
    };
  }

  /** Calls back, in a turn of its own, after a change. Returns what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #firstRevision(): number {
    return this.#commits[0]?.revision ?? this.#revision + 1;
  }

  #expire(): void {
    const nowMs = this.#clock.monotonicMs();
    const due = [...this.#leases.values()].filter((lease) => lease.deadlineMs <= nowMs);
    due.sort((a, b) => a.deadlineMs - b.deadlineMs || a.number - b.number);
    for (const lease of due) this.#end(lease);
  }

  #end(lease: Lease): void {
    this.#leases.delete(lease.id);
    this.#commit(planDeletes([...lease.keys].sort(compareStoreKeys), this.#revision + 1));
  }

  /** One timer for the earliest deadline; one that comes too early, after a renewal, only sets the next. */
  #arm(): void {
    const deadlines = [...this.#leases.values()].map((lease) => lease.deadlineMs);
    const atMs = Math.min(...deadlines);
    if (this.#timer !== undefined && this.#timer.atMs <= atMs && deadlines.length > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (deadlines.length === 0) return;
    const cancel = this.#clock.setTimer(atMs - this.#clock.monotonicMs(), () => {
      this.#timer = undefined;
      this.#expire();
      this.#arm();
    });
    this.#timer = { atMs, cancel };
  }

  #commit(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    this.#revision++;
    for (const change of changes) {
      if (change.kind === "put") this.#put(change.entry);
      else this.#delete(change.key);
    }
    this.#commits.push({ revision: this.#revision, changes });
    if (this.#commits.length > this.#historyRevisionsMax) this.#commits.shift();
    for (const listener of this.#listeners) queueMicrotask(listener);
  }

  #put(entry: Entry): void {
    const before = this.#entries.get(entry.key);
    if (before === undefined) this.#keys.splice(this.#lowerBound(entry.key), 0, entry.key);
    this.#detach(before);
    if (entry.lease !== undefined) this.#leases.get(entry.lease)?.keys.add(entry.key);
    this.#entries.set(entry.key, entry);
  }

  #delete(key: string): void {
    this.#detach(this.#entries.get(key));
    this.#entries.delete(key);
    this.#keys.splice(this.#lowerBound(key), 1);
  }

  #detach(entry: Entry | undefined): void {
    if (entry?.lease !== undefined) this.#leases.get(entry.lease)?.keys.delete(entry.key);
  }

  *#rangeOf(from: string, to: string): Iterable<Entry> {
    for (let i = this.#lowerBound(from); i < this.#keys.length; i++) {
      const key = this.#keys[i] as string;
      if (compareStoreKeys(key, to) >= 0) return;
      yield this.#entries.get(key) as Entry;
    }
  }

  /** Index of the first key that is not below this one. */
  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareStoreKeys(this.#keys[middle] as string, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
