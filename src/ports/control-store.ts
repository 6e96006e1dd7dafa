/**
 * The small, strongly consistent state: etcd's model, and nothing it does not have.
 *
 * Keys are text of 1 to 512 bytes, ordered by their UTF-8 bytes; values are up to 1 MiB of bytes, which nobody changes
 * after handing them over or getting them. Transactions are serialisable. The store has one revision, from 1: every
 * transaction that changes something raises it by 1, and all its changes carry that revision; one that only reads,
 * or deletes what is not there, leaves it as it is.
 *
 * Beyond a limit (control-store-limits.ts) a request is STORE_REFUSED. Every call can throw STORE_UNAVAILABLE, with
 * `details.outcome` "unknown" when it may or may not have happened and "failed" when it certainly has not; every
 * call after `close` does. A damaged store throws STORE_CORRUPT, a full disk DISK_FULL.
 */
export interface ControlStore {
  /** Linearizable unless asked otherwise; "serializable" may be stale. */
  get(key: string, options?: ReadOptions): Promise<GetResult>;
  /** Entries with keys in [from, to) in ascending order of UTF-8 bytes; `from` "" begins at the first key. */
  range(from: string, to: string, options?: RangeOptions): Promise<RangeResult>;
  /**
   * Evaluates all comparisons, then performs `success` or `failure`, all at once and in order: a `get` sees what the
   * operations before it did. Throws LEASE_GONE, with nothing done, where a put names a lease that has ended.
   */
  txn(request: TxnRequest): Promise<TxnResult>;
  /**
   * Keys attached to the lease are deleted, in one transaction, when it is revoked or not kept alive for `ttlMs`
   * (1000 to a day; an engine may round it up to a second). A put without a lease detaches its key.
   */
  grantLease(ttlMs: number): Promise<LeaseId>;
  /** Resolves false where the lease is gone. */
  keepAlive(lease: LeaseId): Promise<boolean>;
  /** Harmless where the lease is gone. */
  revokeLease(lease: LeaseId): Promise<void>;
  /**
   * Calls back with every change to keys in [from, to) from `fromRevision` on (undefined: from about now; to miss
   * nothing, read first and watch from the revision after), in order, each once, the changes of one transaction in
   * one call; deletes that one range or lease made are ascending. Never calls back before it returns, nor while
   * another callback runs. Watches are hints: after `compacted` list again.
   */
  watch(request: WatchRequest, onEvent: (event: WatchEvent) => void): Watch;
  /** Ends its watches and lets its timers go; harmless when repeated. Leases live on. */
  close(): Promise<void>;
}

export type LeaseId = string & { readonly LeaseId?: never };

export interface ReadOptions {
  readonly consistency?: "linearizable" | "serializable";
}
export interface RangeOptions extends ReadOptions {
  /** Most entries to return, from 1; default all. */
  readonly limit?: number;
}

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision of the transaction that made the key (again, after a delete). */
  readonly createRevision: number;
  /** Revision of the last change. */
  readonly modRevision: number;
  /** 1 when made, one more with each change. */
  readonly version: number;
  readonly lease: LeaseId | undefined;
}

export interface GetResult {
  readonly entry: Entry | undefined;
  /** The store's revision at which this is true. */
  readonly revision: number;
}
export interface RangeResult {
  readonly entries: readonly Entry[];
  readonly revision: number;
  /** Whether `limit` left entries out. */
  readonly more: boolean;
}

/** A key that is not there has all three numbers 0; comparing its value fails, with "!=" too. */
export type Compare =
  | {
      readonly key: string;
      readonly target: "version" | "createRevision" | "modRevision";
      readonly op: "=" | "!=" | "<" | ">";
      readonly value: number;
    }
  | { readonly key: string; readonly target: "value"; readonly op: "=" | "!="; readonly value: Uint8Array };

export type Op =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly lease?: LeaseId }
  | { readonly kind: "delete"; readonly key: string }
  | { readonly kind: "deleteRange"; readonly from: string; readonly to: string }
  | { readonly kind: "get"; readonly key: string };

/** A branch puts each key once at most, and does not delete it as well. */
export interface TxnRequest {
  readonly compare: readonly Compare[];
  /** Done where every comparison holds. */
  readonly success: readonly Op[];
  /** Done where one does not; default nothing. */
  readonly failure?: readonly Op[];
}
export interface TxnResult {
  /** Whether the comparisons held, and so `success` was done. */
  readonly succeeded: boolean;
  /** The store's revision after it. */
  readonly revision: number;
  /** For each `get` of the branch done, in order. */
  readonly gets: readonly (Entry | undefined)[];
}

export interface WatchRequest {
  readonly from: string;
  readonly to: string;
  /** From 1; it may lie in the future. */
  readonly fromRevision?: number;
}
export type WatchEvent =
  | { readonly kind: "changes"; readonly revision: number; readonly changes: readonly Change[] }
  /** Changes before this revision are gone; the watch has ended. */
  | { readonly kind: "compacted"; readonly compactRevision: number }
  | { readonly kind: "failed"; readonly reason: string };
export type Change =
  | { readonly kind: "put"; readonly entry: Entry }
  | { readonly kind: "delete"; readonly key: string; readonly modRevision: number };
export interface Watch {
  /** No callback comes after this returns. */
  close(): void;
}

/** The end of the range of all keys that start with `prefix`: `range(prefix, prefixEnd(prefix))`. */
export const prefixEnd = (prefix: string): string => `${prefix}\u{10ffff}`;
