/**
 * The control store on LMDB: one machine, any number of processes on one directory, every acknowledged write on the
 * disk. This file owns the port's calls and their timing; `state.ts` owns what lies in the database, `database.ts`
 * the transactions.
 *
 * 1. A call is one transaction of LMDB. This thread never waits for the disk: a write's promise resolves when its
 *    commit has been synced, and meanwhile others may begin. They take effect in the order of the calls.
 * 2. No call sees a lease past its end: each looks at the clock first and ends what is due, in the same transaction
 *    where it writes, in one before where it reads. A timer does the same while the store is open and leases live.
 * 3. LMDB tells no process of another's writes, so watches look at the revision every `WATCH_POLL_MS`. After its own
 *    writes a client's watches follow at once.
 */
import { BicoastalError } from "../../base/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  ControlStore,
  Entry,
  GetResult,
  LeaseId,
  Op,
  RangeOptions,
  RangeResult,
  TxnRequest,
  TxnResult,
  Watch,
  WatchEvent,
  WatchRequest,
} from "../../ports/control-store.ts";
import {
  assertLeaseTtl,
  assertRange,
  assertStoreKey,
  assertTxn,
  assertWatch,
} from "../../ports/control-store-limits.ts";
import { planTxn, type StoreView } from "../../ports/control-store-plan.ts";
import { type Commit, type StoreHistory, WatchSet } from "../../ports/control-store-watches.ts";
import { Database, type Snapshot, type WriteBatch } from "./database.ts";
import { notOfThisVersion } from "./errors.ts";
import {
  encodeHeader,
  encodeLease,
  FORMAT,
  formatOf,
  type Header,
  headerKey,
  leaseIdOf,
  leaseKey,
  leaseNumber,
} from "./records.ts";
import {
  commitChanges,
  endLease,
  type HistoryLimits,
  isSettled,
  newHeader,
  readEntries,
  readEntry,
  readHeader,
  readHistory,
  readLease,
  settleLeases,
} from "./state.ts";
import { WallWatch } from "./wall-watch.ts";

const HISTORY_REVISIONS_MAX = 10_000;
const HISTORY_BYTES_MAX = 64 * 1024 * 1024;
/** How long a watch may take to see what another process wrote. */
const WATCH_POLL_MS = 50;
/** The wall clock may be set while the timer for a lease's end runs, so it is never longer than this. */
const LEASE_TIMER_MS_MAX = 1_000;
/** Revisions that a watch reads in one go: their values are in memory together. */
const HISTORY_BATCH = 16;

export interface LmdbStoreOptions {
  /** Made where it is missing. Must be on a disk of this machine: LMDB's locks do not work over a network. */
  readonly directory: string;
  readonly clock: Clock;
  /** Revisions whose changes are kept for watches, as far as they fit into 64 MiB. From 1; default 10,000. */
  readonly historyRevisionsMax?: number;
}

/**
 * Opens the store, or makes it. The same directory may be open several times, in this process and in others.
 * Throws STORE_UNAVAILABLE where the directory cannot be used, STORE_CORRUPT where its files are not a store's,
 * DISK_FULL.
 */
export async function openLmdbControlStore(options: LmdbStoreOptions): Promise<ControlStore> {
  const database = await Database.open(options.directory);
  try {
    return await LmdbControlStore.open(database, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

class LmdbControlStore implements ControlStore {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #wall: WallWatch;
  readonly #limits: HistoryLimits;
  readonly #watches = new WatchSet();
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #closed = false;

  private constructor(
    database: Database,
    { clock, historyRevisionsMax = HISTORY_REVISIONS_MAX }: LmdbStoreOptions,
  ) {
    this.#database = database;
    this.#clock = clock;
    this.#wall = new WallWatch(clock);
    this.#limits = { revisionsMax: historyRevisionsMax, bytesMax: HISTORY_BYTES_MAX };
  }

  static async open(database: Database, options: LmdbStoreOptions): Promise<LmdbControlStore> {
    const store = new LmdbControlStore(database, options);
    await database.write((batch) => prepare(batch, database.directory));
    // Deadlines from before the wall clock was set back are mended once at least.
    await store.#write((_, header) => ({ header, value: undefined }), true);
    return store;
  }

  async get(key: string): Promise<GetResult> {
    assertStoreKey(key);
    return this.#read((snapshot, { revision }) => ({ entry: readEntry(snapshot, key), revision }));
  }

  async range(from: string, to: string, options: RangeOptions = {}): Promise<RangeResult> {
    assertRange(from, to, options);
    const { limit = Number.POSITIVE_INFINITY } = options;
    return this.#read((snapshot, { revision }) => {
      const entries: Entry[] = [];
      for (const entry of readEntries(snapshot, from, to)) {
        if (entries.length === limit) return { entries, revision, more: true };
        entries.push(entry);
      }
      return { entries, revision, more: false };
    });
  }

  async txn(request: TxnRequest): Promise<TxnResult> {
    assertTxn(request);
    // The caller may use its arrays again before the transaction begins.
    const own = ownTxn(request);
    return this.#write((batch, before) => {
      const { succeeded, gets, changes } = planTxn(viewOf(batch), own, before.revision + 1);
      const header = commitChanges(batch, before, changes, this.#limits);
      return { header, value: { succeeded, revision: header.revision, gets } };
    });
  }

  async grantLease(ttlMs: number): Promise<LeaseId> {
    assertLeaseTtl(ttlMs);
    return this.#write((batch, before, wallMs) => {
      const leasesGranted = before.leasesGranted + 1;
      const deadlineMs = wallMs + ttlMs;
      batch.put(leaseKey(leasesGranted), encodeLease(leasesGranted, { ttlMs, deadlineMs }));
      const nextDeadlineMs = Math.min(before.nextDeadlineMs, deadlineMs);
      return { header: { ...before, leasesGranted, nextDeadlineMs }, value: leaseIdOf(leasesGranted) };
    });
  }

  async keepAlive(id: LeaseId): Promise<boolean> {
    return this.#write((batch, header, wallMs) => {
      const lease = leaseNumber(id);
      const record = lease === undefined ? undefined : readLease(batch, lease);
      if (lease === undefined || record === undefined) return { header, value: false };
      const { ttlMs } = record;
      batch.put(leaseKey(lease), encodeLease(lease, { ttlMs, deadlineMs: wallMs + ttlMs }));
      // The header's deadline may now be too early, which only makes for one look too many.
      return { header, value: true };
    });
  }

  async revokeLease(id: LeaseId): Promise<void> {
    await this.#write((batch, header) => {
      const lease = leaseNumber(id);
      if (lease === undefined || readLease(batch, lease) === undefined) return { header, value: undefined };
      return { header: endLease(batch, header, lease, this.#limits), value: undefined };
    });
  }

  watch(request: WatchRequest, onEvent: (event: WatchEvent) => void): Watch {
    assertWatch(request);
    const now = this.#database.read((snapshot) => readHeader(snapshot).revision);
    const next = request.fromRevision ?? now + 1;
    const watch = this.#watches.add(request, next, onEvent);
    queueMicrotask(() => void this.#deliver());
    return watch;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#watches.closeAll();
    await this.#database.close();
  }

  async #read<T>(body: (snapshot: Snapshot, header: Header) => T): Promise<T> {
    const look = this.#wall.look();
    const first = this.#database.read((snapshot) => {
      const header = readHeader(snapshot);
      return isSettled(header, look) ? { header, value: body(snapshot, header) } : undefined;
    });
    if (first !== undefined) {
      this.#arm(first.header.nextDeadlineMs);
      return first.value;
    }
    await this.#write((_, header) => ({ header, value: undefined }));
    return this.#database.read((snapshot) => body(snapshot, readHeader(snapshot)));
  }

  /** @param settle Looks at every lease, due or not. */
  async #write<T>(
    body: (
      batch: WriteBatch,
      header: Header,
      wallMs: number,
    ) => { readonly header: Header; readonly value: T },
    settle = false,
  ): Promise<T> {
    const { look, before, after, result } = await this.#database.write((batch) => {
      const before = readHeader(batch);
      // Only now: the wait for the write lock may have been long.
      const look = this.#wall.look();
      const isDue = settle || !isSettled(before, look);
      const settled = isDue ? settleLeases(batch, before, look, this.#limits) : before;
      const result = attempt(() => body(batch, settled, look.wallMs));
      const after = "value" in result ? result.header : settled;
      if (!sameHeader(after, before)) batch.put(headerKey, encodeHeader(after));
      return { look, before, after, result };
    });
    this.#wall.accept(look);
    this.#arm(after.nextDeadlineMs);
    if (after.revision > before.revision && this.#watches.size > 0)
      queueMicrotask(() => void this.#deliver());
    if ("refusal" in result) throw result.refusal;
    return result.value;
  }

  async #deliver(): Promise<void> {
    if (this.#closed) return;
    let history: StoreHistory;
    try {
      history = await this.#read((_, { revision, firstRevision }) => ({
        revision,
        firstRevision,
        commitsFrom: (from) => this.#commitsFrom(from),
      }));
      if (!this.#closed) this.#watches.deliver(history);
    } catch (error) {
      // Whatever else a callback throws is not the store's.
      if (!(error instanceof BicoastalError)) throw error;
      this.#watches.fail(error.message);
    }
  }

  *#commitsFrom(from: number): Iterable<Commit> {
    for (let next = from; ; ) {
      const commits = this.#database.read((snapshot) => readHistory(snapshot, next, next + HISTORY_BATCH));
      for (const commit of commits) {
        // Forgotten by another process meanwhile: the next delivery says "compacted".
        if (commit.revision !== next) return;
        next++;
        yield commit;
      }
      if (commits.length < HISTORY_BATCH) return;
    }
  }

  /** One timer, for whatever comes first: the next look at other processes' writes, or the end of a lease. */
  #arm(nextDeadlineMs: number): void {
    if (this.#closed) return;
    const pollMs = this.#watches.size > 0 ? WATCH_POLL_MS : Number.POSITIVE_INFINITY;
    const leaseMs =
      nextDeadlineMs === Number.POSITIVE_INFINITY
        ? nextDeadlineMs
        : Math.min(Math.max(nextDeadlineMs - this.#clock.wallMs(), 1), LEASE_TIMER_MS_MAX);
    const delayMs = Math.min(pollMs, leaseMs);
    if (delayMs === Number.POSITIVE_INFINITY) return;
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (this.#timer !== undefined && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const cancel = this.#clock.setTimer(delayMs, () => {
      this.#timer = undefined;
      void this.#deliver();
    });
    this.#timer = { atMs, cancel };
  }
}

/** Writes the first header of a new store; throws where there is another one's. */
function prepare(batch: WriteBatch, directory: string): void {
  const bytes = batch.get(headerKey);
  if (bytes !== undefined && formatOf(bytes) !== FORMAT) throw notOfThisVersion(directory);
  if (bytes === undefined) batch.put(headerKey, encodeHeader(newHeader));
}

function ownTxn({ compare, success, failure }: TxnRequest): TxnRequest {
  const own = (op: Op): Op => (op.kind === "put" ? { ...op, value: op.value.slice() } : op);
  return {
    compare: compare.map((each) => (each.target === "value" ? { ...each, value: each.value.slice() } : each)),
    success: success.map(own),
    ...(failure === undefined ? {} : { failure: failure.map(own) }),
  };
}

const viewOf = (batch: WriteBatch): StoreView => ({
  get: (key) => readEntry(batch, key),
  range: (from, to) => readEntries(batch, from, to),
  hasLease: (id) => {
    const lease = leaseNumber(id);
    return lease !== undefined && readLease(batch, lease) !== undefined;
  },
});

/** A refused request must not undo the leases that ended with it. */
function attempt<T extends object>(body: () => T): T | { readonly refusal: BicoastalError } {
  try {
    return body();
  } catch (error) {
    if (error instanceof BicoastalError) return { refusal: error };
    throw error;
  }
}

const sameHeader = (a: Header, b: Header): boolean =>
  a.revision === b.revision && a.leasesGranted === b.leasesGranted && a.nextDeadlineMs === b.nextDeadlineMs;
