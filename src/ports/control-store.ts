/**
 * The small, strongly consistent state: etcd's model, and nothing it does not have.
 *
 * Keys are text of 1 to 512 bytes, values up to 1 MiB of bytes. Every committed write transaction raises the one
 * revision of the store by 1; all its changes carry that revision. Transactions are serialisable; at most 100
 * operations each, on distinct keys.
 */
export interface ControlStore {
  /** Linearizable unless asked otherwise; "serializable" may be stale. */
  get(key: string, options?: ReadOptions): Promise<GetResult>;
  /** Entries with keys in [from, to) in ascending order of UTF-8 bytes. */
  range(from: string, to: string, options?: RangeOptions): Promise<RangeResult>;
  /**
   * Evaluates all comparisons, then performs `success` or `failure`, all at once.
   * Throws STORE_UNAVAILABLE with `details.outcome` "unknown" when it may or may not have happened, and "failed"
   * when it certainly has not.
   */
  txn(request: TxnRequest): Promise<TxnResult>;
  /** Keys attached to the lease are deleted when it is revoked or not kept alive for `ttlMs` (at least 1000). */
  grantLease(ttlMs: number): Promise<LeaseId>;
  /** Resolves false where the lease is gone. */
  keepAlive(lease: LeaseId): Promise<boolean>;
  revokeLease(lease: LeaseId): Promise<void>;
  /**
   * Calls back with every change to keys in [from, to) from `fromRevision` on (undefined: from now), in order,
   * each once, the changes of one transaction in one call. Watches are hints: after `compacted` list again.
   */
  watch(request: WatchRequest, onEvent: (event: WatchEvent) => void): Watch;
  close(): Promise<void>;
}

export type LeaseId = string & { readonly LeaseId?: never };

export interface ReadOptions {
  readonly consistency?: "linearizable" | "serializable";
}
export interface RangeOptions extends ReadOptions {
  /** Most entries to return; default all. */
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

/** A key that is not there has all three numbers 0; its value equals nothing. */
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
