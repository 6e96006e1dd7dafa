/**
 * What a transaction does, worked out on a view of the store without changing it: the meaning that the embedded
 * stores share. (etcd works it out itself; the contract suite holds all of them to a model of its own.)
 */
import { BicoastalError } from "../base/errors.ts";
import type { Change, Compare, Entry, LeaseId, Op, TxnRequest } from "./control-store.ts";

/** A store as it stands while a transaction has it to itself. */
export interface StoreView {
  readonly get: (key: string) => Entry | undefined;
  /** Ascending. */
  readonly range: (from: string, to: string) => Iterable<Entry>;
  readonly hasLease: (lease: LeaseId) => boolean;
}

export interface TxnPlan {
  readonly succeeded: boolean;
  readonly gets: readonly (Entry | undefined)[];
  /** To be made under `revision`, in this order. Empty: the revision stays. */
  readonly changes: readonly Change[];
}

/**
 * Plans a request that `assertTxn` has passed.
 * @param revision The one its changes will carry: the store's, and one more.
 * Throws LEASE_GONE.
 */
export function planTxn(view: StoreView, request: TxnRequest, revision: number): TxnPlan {
  const succeeded = request.compare.every((compare) => holds(compare, view.get(compare.key)));
  const branch = (succeeded ? request.success : request.failure) ?? [];
  const planner = new BranchPlanner(view, revision);
  for (const op of branch) planner.add(op);
  return { succeeded, gets: planner.gets, changes: planner.changes };
}

/** The deletion of what hangs on a lease that ends. */
export const planDeletes = (keys: readonly string[], revision: number): readonly Change[] =>
  keys.map((key) => ({ kind: "delete", key, modRevision: revision }));

class BranchPlanner {
  readonly gets: (Entry | undefined)[] = [];
  readonly changes: Change[] = [];
  readonly #view: StoreView;
  readonly #revision: number;
  /** What this branch has done so far, over what the view says. */
  readonly #done = new Map<string, Entry | undefined>();

  constructor(view: StoreView, revision: number) {
    this.#view = view;
    this.#revision = revision;
  }

  add(op: Op): void {
    switch (op.kind) {
      case "get":
        this.gets.push(this.#now(op.key));
        return;
      case "put":
        return this.#put(op.key, op.value, op.lease);
      case "delete":
        return this.#delete(op.key);
      case "deleteRange":
        // A branch does not put what it deletes, so the range of the view is all there is.
        for (const { key } of [...this.#view.range(op.from, op.to)]) this.#delete(key);
        return;
    }
  }

  #now(key: string): Entry | undefined {
    return this.#done.has(key) ? this.#done.get(key) : this.#view.get(key);
  }

  #put(key: string, value: Uint8Array, lease: LeaseId | undefined): void {
    if (lease !== undefined && !this.#view.hasLease(lease)) throw leaseGone(lease, key);
    const before = this.#now(key);
    const entry: Entry = {
      key,
      value: new Uint8Array(value),
      createRevision: before?.createRevision ?? this.#revision,
      modRevision: this.#revision,
      version: (before?.version ?? 0) + 1,
      lease,
    };
    this.#done.set(key, entry);
    this.changes.push({ kind: "put", entry });
  }

  #delete(key: string): void {
    if (this.#now(key) === undefined) return;
    this.#done.set(key, undefined);
    this.changes.push({ kind: "delete", key, modRevision: this.#revision });
  }
}

function holds(compare: Compare, entry: Entry | undefined): boolean {
  if (compare.target === "value") {
    if (entry === undefined) return false;
    return sameBytes(entry.value, compare.value) === (compare.op === "=");
  }
  const actual = entry?.[compare.target] ?? 0;
  switch (compare.op) {
    case "=":
      return actual === compare.value;
    case "!=":
      return actual !== compare.value;
    case "<":
      return actual < compare.value;
    case ">":
      return actual > compare.value;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const leaseGone = (lease: LeaseId, key: string): BicoastalError =>
  new BicoastalError(
    "LEASE_GONE",
    `The lease ${lease} has ended, so ${JSON.stringify(key)} was not written. Nothing was done.`,
    { details: { lease, key, outcome: "failed" } },
  );
