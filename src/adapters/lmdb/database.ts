/**
 * LMDB as the store uses it: transactions of several processes, durable once they are acknowledged.
 *
 * - A write waits for the lock and for the disk in LMDB's own thread; only its body runs in this one. Writes that come
 *   while another is being synced share the next commit, and its sync. (`overlappingSync: false`: the commit has been
 *   synced to the disk when the promise resolves.)
 * - Each body is a child transaction of its commit, because only those are rolled back where the body throws.
 * - A process that dies in a transaction has not done it: LMDB writes pages elsewhere and switches over at the end,
 *   and its lock is given up by the operating system.
 * - A process that dies while it reads leaves its place in the table of readers behind, which keeps old pages from
 *   being used again; such places are cleared at every open and now and then after.
 * - Within one process a directory is opened once and shared.
 */
import { closeSync, fsyncSync, openSync, realpathSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { RootDatabase } from "lmdb";
import { codeOf, diskFull, READERS_FULL, storeBroken, storeClosed, storeError } from "./errors.ts";
import { inspectDataFile, prepareDirectory } from "./inspect.ts";
import { loadLmdb } from "./load-lmdb.ts";

const IO_ERROR = 5;
/** What a commit writes beside the records: the pages around them, and those above. */
const SLACK_BYTES = 1024 * 1024;
const READERS_MAX = 1024;
const COMMITS_PER_READER_CHECK = 256;

export interface Snapshot {
  /** The array is the caller's. */
  get(key: Uint8Array): Uint8Array | undefined;
  /** Records with keys in [from, to), ascending. */
  range(from: Uint8Array, to: Uint8Array): Iterable<StoredRecord>;
}

export interface WriteBatch extends Snapshot {
  put(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
}

export interface StoredRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

type Root = RootDatabase<Buffer, Uint8Array>;

/** What all users of one directory in this process have in common. */
interface Shared {
  readonly directory: string;
  readonly root: Promise<OpenRoot>;
  users: number;
}

interface OpenRoot {
  readonly root: Root;
  readonly abort: object;
  commits: number;
  /** A commit failed in a way that LMDB does not come back from. */
  broken: boolean;
  /** Writes that have no outcome yet; whoever closes waits for them. */
  writing: number;
  whenIdle: (() => void) | undefined;
}

const opened = new Map<string, Shared>();

export class Database {
  readonly directory: string;
  readonly #shared: Shared;
  readonly #open: OpenRoot;
  #closed = false;

  private constructor(directory: string, shared: Shared, open: OpenRoot) {
    this.directory = directory;
    this.#shared = shared;
    this.#open = open;
  }

  /** Throws STORE_UNAVAILABLE, STORE_CORRUPT, DISK_FULL. */
  static async open(directory: string): Promise<Database> {
    prepareDirectory(directory);
    const path = realpathSync(directory);
    const shared = opened.get(path) ?? { directory: path, root: openRoot(directory, path), users: 0 };
    opened.set(path, shared);
    shared.users++;
    try {
      return new Database(directory, shared, await shared.root);
    } catch (error) {
      if (--shared.users === 0) opened.delete(path);
      throw storeError(error, directory, "failed");
    }
  }

  /** Shows the last commit of any process. `body` must be synchronous and keep nothing of the snapshot. */
  read<T>(body: (snapshot: Snapshot) => T): T {
    const { root } = this.#usable();
    try {
      return readOnce(root, body);
    } catch (error) {
      if (codeOf(error) !== READERS_FULL) throw storeError(error, this.directory, "failed");
    }
    try {
      root.readerCheck();
      return readOnce(root, body);
    } catch (error) {
      throw storeError(error, this.directory, "failed");
    }
  }

  /** Does what `body` writes, all at once and durably, or nothing where it throws. `body` must be synchronous. */
  async write<T>(body: (batch: WriteBatch) => T): Promise<T> {
    const open = this.#usable();
    const batch = new Batch(open.root);
    const done: T[] = [];
    open.writing++;
    try {
      // Anything returned would be awaited if it looked like a promise.
      await open.root.childTransaction(() => {
        done.push(body(batch));
        return batch.changed ? undefined : open.abort;
      });
    } catch (thrown) {
      const error = await causeOf(thrown);
      throw done.length === 0
        ? storeError(error, this.directory, "failed")
        : this.#commitError(open, error, batch.bytes);
    } finally {
      if (--open.writing === 0) open.whenIdle?.();
    }
    if (batch.changed && ++open.commits % COMMITS_PER_READER_CHECK === 0) open.root.readerCheck();
    return done[0] as T;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (--this.#shared.users > 0) return;
    opened.delete(this.#shared.directory);
    const open = this.#open;
    if (open.writing > 0) {
      await new Promise<void>((resolve) => {
        open.whenIdle = resolve;
      });
    }
    await open.root.close();
  }

  #usable(): OpenRoot {
    if (this.#closed) throw storeClosed(this.directory);
    if (this.#open.broken) throw storeBroken(this.directory);
    return this.#open;
  }

  #commitError(open: OpenRoot, error: unknown, bytes: number): unknown {
    open.broken = !isHealthy(open.root);
    // Only the last step, the switch to the new pages, breaks the environment; before it nothing has happened.
    if (open.broken) return storeError(error, this.directory, "unknown");
    // The write that fills a disk is cut short, which LMDB calls an I/O error.
    if (codeOf(error) === IO_ERROR && freeBytes(this.directory) < bytes + SLACK_BYTES)
      return diskFull(this.directory, error);
    return storeError(error, this.directory, "failed");
  }
}

class Batch implements WriteBatch {
  changed = false;
  /** Of the records put. */
  bytes = 0;
  readonly #root: Root;

  constructor(root: Root) {
    this.#root = root;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#root.getBinary(key);
  }
  /** Read whole before the first is handed out: the caller may write meanwhile. */
  range(from: Uint8Array, to: Uint8Array): Iterable<StoredRecord> {
    return [...this.#root.getRange({ start: from, end: to })];
  }
  put(key: Uint8Array, value: Uint8Array): void {
    this.changed = true;
    this.bytes += value.length;
    void this.#root.put(key, asBuffer(value));
  }
  remove(key: Uint8Array): void {
    this.changed = true;
    void this.#root.remove(key);
  }
}

/** A commit that fails is told of twice: as an error without a reason, and by a promise in it that has the reason. */
async function causeOf(thrown: unknown): Promise<unknown> {
  const told = (thrown as { readonly commitError?: unknown }).commitError;
  if (!(told instanceof Promise)) return thrown;
  return await told.then(
    () => thrown,
    (cause: unknown) => cause,
  );
}

function readOnce<T>(root: Root, body: (snapshot: Snapshot) => T): T {
  // LMDB for Node goes on with the snapshot of the turn's first read; a linearizable read needs a new one.
  root.resetReadTxn();
  const transaction = root.useReadTransaction();
  try {
    return body({
      get: (key) => {
        const value = root.get(key, { transaction });
        return value === undefined ? undefined : new Uint8Array(value);
      },
      range: (from, to) => root.getRange({ start: from, end: to, transaction }),
    });
  } finally {
    transaction.done();
  }
}

/** Not so after a failed switch: LMDB then refuses readers, but writers crash the process. */
function isHealthy(root: Root): boolean {
  try {
    readOnce(root, () => {});
    return true;
  } catch {
    return false;
  }
}

function freeBytes(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

async function openRoot(directory: string, path: string): Promise<OpenRoot> {
  await inspectDataFile(directory);
  const { open, ABORT: abort } = loadLmdb();
  const root: Root = open<Buffer, Uint8Array>({
    path,
    noSubdir: false,
    keyEncoding: "binary",
    encoding: "binary",
    overlappingSync: false,
    maxReaders: READERS_MAX,
  });
  // The files themselves are synced by LMDB; that they exist stands in the directory, and so on.
  syncDirectory(path);
  syncDirectory(dirname(path));
  return { root, abort, commits: 0, broken: false, writing: 0, whenIdle: undefined };
}

function syncDirectory(path: string): void {
  // Windows has no such thing.
  if (process.platform === "win32") return;
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
