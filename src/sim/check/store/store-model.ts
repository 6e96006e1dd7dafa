/**
 * The control store as a pure model: etcd's, written down once more from what the port promises, so that the stores
 * under test cannot share its mistakes. Every call that gives a revision says when it happened, which makes the search
 * for an order short.
 */
import { unreachable } from "../../../base/assert.ts";
import type {
  Change,
  Compare,
  Entry,
  LeaseId,
  Op,
  TxnRequest,
  TxnResult,
} from "../../../ports/control-store.ts";
import { compareStoreKeys } from "../../../ports/control-store-limits.ts";
import type { LinearModel, Operation } from "../linear/linearizable.ts";

export type StoreCall =
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "range"; readonly from: string; readonly to: string; readonly limit: number | undefined }
  | { readonly kind: "txn"; readonly request: TxnRequest }
  | { readonly kind: "grant" }
  | { readonly kind: "keepAlive"; readonly lease: LeaseId }
  | { readonly kind: "revoke"; readonly lease: LeaseId }
  /** The store's own: a lease that nobody kept alive ends. */
  | { readonly kind: "expire"; readonly lease: LeaseId };

export type StoreAnswer =
  | {
      readonly kind: "entries";
      readonly entries: readonly Entry[];
      readonly revision: number;
      readonly more: boolean;
    }
  | ({ readonly kind: "txn" } & TxnResult)
  /** A put named a lease that has ended, and nothing was done. */
  | { readonly kind: "leaseGone" }
  | { readonly kind: "lease"; readonly lease: LeaseId }
  | { readonly kind: "alive"; readonly alive: boolean }
  | { readonly kind: "done" };

export type StoreOperation = Operation<StoreCall, StoreAnswer>;

/** What each revision changed, as far as that is known. */
export type Commits = ReadonlyMap<number, readonly Change[]>;

export interface StoreState {
  readonly revision: number;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly leases: ReadonlySet<LeaseId>;
}

export const STORE: LinearModel<StoreState, StoreCall, StoreAnswer> = {
  init: { revision: 1, entries: new Map(), leases: new Set() },
  step,
  isRead: (call, answer) => {
    if (call.kind === "txn")
      return answer.kind !== "txn" || branchOf(call.request, answer.succeeded).every(isGet);
    return call.kind === "get" || call.kind === "range" || call.kind === "keepAlive";
  },
  keyOf: ({ revision, entries, leases }) => {
    const stamps = [...entries.values()].map(
      (it) => `${it.key} ${it.createRevision} ${it.modRevision} ${it.version}`,
    );
    // Revisions tell values apart, but for those of unknown transactions that took each other's place.
    const values = [...entries.values()].map(({ value }) => Buffer.from(value).toString("latin1"));
    return JSON.stringify([revision, stamps.sort(), values.sort(), [...leases].sort()]);
  },
};

const isGet = (op: Op): boolean => op.kind === "get";
const branchOf = ({ success, failure = [] }: TxnRequest, succeeded: boolean): readonly Op[] =>
  succeeded ? success : failure;

function step(state: StoreState, call: StoreCall, answer: StoreAnswer | undefined): StoreState | undefined {
  switch (call.kind) {
    case "get":
    case "range":
      return answer === undefined || reads(state, call, answer) ? state : undefined;
    case "txn":
      return transact(state, call.request, answer);
    case "grant":
      return grant(state, answer);
    case "keepAlive":
      if (answer?.kind !== "alive") return state;
      return state.leases.has(call.lease) === answer.alive ? state : undefined;
    case "revoke":
    case "expire":
      return endLease(state, call.lease);
    default:
      return unreachable(call);
  }
}

function reads(
  state: StoreState,
  call: Extract<StoreCall, { kind: "get" | "range" }>,
  answer: StoreAnswer,
): boolean {
  if (answer.kind !== "entries" || answer.revision !== state.revision) return false;
  if (call.kind === "get") return sameEntry(state.entries.get(call.key), answer.entries[0]) && !answer.more;
  const { from, to, limit = Number.POSITIVE_INFINITY } = call;
  const all = rangeOf(state.entries, from, to);
  if (answer.more !== all.length > limit) return false;
  const some = all.slice(0, limit);
  return (
    some.length === answer.entries.length &&
    some.every((entry, index) => sameEntry(entry, answer.entries[index]))
  );
}

function rangeOf(entries: ReadonlyMap<string, Entry>, from: string, to: string): readonly Entry[] {
  const found: Entry[] = [];
  for (const entry of entries.values())
    if (compareStoreKeys(from, entry.key) <= 0 && compareStoreKeys(entry.key, to) < 0) found.push(entry);
  return found.sort((a, b) => compareStoreKeys(a.key, b.key));
}

function transact(
  state: StoreState,
  request: TxnRequest,
  answer: StoreAnswer | undefined,
): StoreState | undefined {
  const succeeded = request.compare.every((compare) => holds(compare, state.entries.get(compare.key)));
  const ops = branchOf(request, succeeded);
  const isGone = ops.some((op) => op.kind === "put" && op.lease !== undefined && !state.leases.has(op.lease));
  if (isGone) return answer === undefined || answer.kind === "leaseGone" ? state : undefined;
  if (answer !== undefined && (answer.kind !== "txn" || answer.succeeded !== succeeded)) return undefined;
  // A transaction that must have raised the revision, or must not, is told apart before anything is copied.
  if (answer !== undefined && answer.revision !== state.revision && answer.revision !== state.revision + 1)
    return undefined;
  const entries = new Map(state.entries);
  const gets: (Entry | undefined)[] = [];
  const changed = perform(ops, entries, state.revision + 1, gets);
  const revision = changed ? state.revision + 1 : state.revision;
  if (answer !== undefined) {
    if (answer.revision !== revision || answer.gets.length !== gets.length) return undefined;
    if (!gets.every((entry, index) => sameEntry(entry, answer.gets[index]))) return undefined;
  }
  return changed ? { ...state, revision, entries } : state;
}

/** Returns whether anything changed. */
function perform(
  ops: readonly Op[],
  entries: Map<string, Entry>,
  revision: number,
  gets: (Entry | undefined)[],
): boolean {
  let changed = false;
  for (const op of ops) {
    switch (op.kind) {
      case "get":
        gets.push(entries.get(op.key));
        break;
      case "put": {
        const before = entries.get(op.key);
        const { createRevision, version } = before ?? { createRevision: revision, version: 0 };
        const { key, value, lease } = op;
        entries.set(key, { key, value, createRevision, modRevision: revision, version: version + 1, lease });
        changed = true;
        break;
      }
      case "delete":
        changed = entries.delete(op.key) || changed;
        break;
      case "deleteRange":
        for (const { key } of rangeOf(entries, op.from, op.to)) changed = entries.delete(key) || changed;
        break;
      default:
        unreachable(op);
    }
  }
  return changed;
}

function holds(compare: Compare, entry: Entry | undefined): boolean {
  if (compare.target === "value")
    return entry !== undefined && sameBytes(entry.value, compare.value) === (compare.op === "=");
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

/** A lease whose grant nobody saw answered has no name, and so no effect. */
function grant(state: StoreState, answer: StoreAnswer | undefined): StoreState | undefined {
  if (answer?.kind !== "lease") return answer === undefined ? state : undefined;
  if (state.leases.has(answer.lease)) return undefined;
  return { ...state, leases: new Set(state.leases).add(answer.lease) };
}

function endLease(state: StoreState, lease: LeaseId): StoreState {
  if (!state.leases.has(lease)) return state;
  const leases = new Set(state.leases);
  leases.delete(lease);
  const kept = [...state.entries].filter(([, entry]) => entry.lease !== lease);
  if (kept.length === state.entries.size) return { ...state, leases };
  return { revision: state.revision + 1, entries: new Map(kept), leases };
}

export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.key === b.key &&
    a.createRevision === b.createRevision &&
    a.modRevision === b.modRevision &&
    a.version === b.version &&
    a.lease === b.lease &&
    sameBytes(a.value, b.value)
  );
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a === b || Buffer.compare(a, b) === 0;
