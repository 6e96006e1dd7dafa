import { BicoastalError } from "../base/errors.ts";
import { type ContentHash, contentHash, type NodeId } from "../base/ids.ts";

/**
 * Large, immutable data by key: bundles, input lists, shuffle blocks, results. A key is written once, appears whole
 * or not at all, and never changes. Keys are `/`-separated names of `[A-Za-z0-9._-]`, never `.` or `..`.
 */
export interface BlobStore {
  /** Writes all at once. Writing the same key again is allowed only with the same bytes (content-addressed). */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Throws BLOB_MISSING. */
  get(key: string): Promise<Uint8Array>;
  has(key: string): Promise<boolean>;
  /** A blob that grows by appending and appears on commit. */
  create(key: string): BlobWriter;
  /**
   * Opens a blob for reading. `at`: the node whose store has it; a store of one machine pays no heed to it. Throws
   * BLOB_MISSING where there is no such blob, and PEER_UNREACHABLE where the node that has it cannot be asked.
   */
  open(key: string, at?: NodeId): Promise<BlobReader>;
  /** Keys that start with the prefix, ascending. */
  list(prefix: string): Promise<readonly string[]>;
  /** Deletes every key that starts with the prefix, but those kept, and what unfinished writers under it left. */
  deleteAll(prefix: string, kept?: ReadonlySet<string>): Promise<void>;
}

/** Not safe for concurrent use. Synchronous, because it stands in the task's inner loop, in a thread of its own. */
export interface BlobWriter {
  /** Bytes appended so far. */
  readonly bytes: number;
  /** Takes the bytes before it returns; the caller may reuse the array. Throws DISK_FULL. */
  append(bytes: Uint8Array): void;
  /** `durable`: only once the bytes are on disk, as for blobs that a log names. Default false. */
  commit(durable?: boolean): Promise<void>;
  /** Leaves nothing behind. Harmless after commit. */
  abort(): void;
}

export interface ByteRange {
  readonly offset: number;
  readonly bytes: number;
}

/** The end of a blob that can be read as soon as it is open: what says where the rest lies stands there. */
export const TAIL_BYTES_READY = 64;

/**
 * Reading is synchronous, because a group's values are read from inside the user's own loop. What another machine has is
 * fetched before: only the last `TAIL_BYTES_READY` and what was prepared may be read.
 */
export interface BlobReader {
  readonly bytes: number;
  /**
   * Makes these bytes readable without waiting, until the reader is closed; parts beyond the end are left out. For a
   * blob of this machine it resolves at once. Throws PEER_UNREACHABLE and BLOB_MISSING.
   */
  prepare(ranges: readonly ByteRange[]): Promise<void>;
  /** Fills `target` from this position on; returns how many bytes there were (fewer only at the end). */
  readAt(position: number, target: Uint8Array): number;
  close(): void;
}

/** The SHA-256 that the last name of a content-addressed blob's key is, in lower-case hex; undefined for other keys. */
export const hashInKey = (key: string): ContentHash | undefined => {
  const name = key.slice(key.lastIndexOf("/") + 1);
  return /^[0-9a-f]{64}$/.test(name) ? contentHash(name) : undefined;
};

const segment = /^[A-Za-z0-9._-]{1,200}$/;

/** Every implementation calls this before a key becomes a path or a URL. Throws STORE_UNAVAILABLE, which no retry mends. */
export function assertBlobKey(key: string): void {
  const names = key.split("/");
  if (names.every((name) => segment.test(name) && name !== "." && name !== "..")) return;
  throw new BicoastalError(
    "STORE_UNAVAILABLE",
    `${JSON.stringify(key.slice(0, 200))} cannot name a blob: keys are names of letters, digits, ".", "_" and "-", parted by "/".`,
    { details: { outcome: "failed" } },
  );
}
