/** What every control store takes, and the one order of its keys. The figures are etcd's defaults, with room to spare. */
import { BicoastalError } from "../base/errors.ts";
import type { Op, RangeOptions, TxnRequest, WatchRequest } from "./control-store.ts";

export const KEY_BYTES_MAX = 512;
/** Of one value, and of all the values of one transaction together. */
export const VALUE_BYTES_MAX = 1024 * 1024;
/** Of the comparisons, and of the operations of either branch. */
export const TXN_OPS_MAX = 100;
export const LEASE_TTL_MS_MIN = 1_000;
export const LEASE_TTL_MS_MAX = 24 * 60 * 60 * 1_000;

/** The end of a prefix's range is the prefix and one character more. */
const BOUND_BYTES_MAX = KEY_BYTES_MAX + 4;

const encoder = new TextEncoder();
const loneSurrogate = /\p{Surrogate}/u;

/** Throws STORE_REFUSED. */
export function assertStoreKey(key: string): void {
  if (key.length === 0) throw refused("A key of the store is empty", { limit: "key" });
  assertBound(key, KEY_BYTES_MAX);
  // Such a key would lie beyond the end of its own prefix's range.
  if (key.includes("\u{10ffff}"))
    throw refused(`The store's key ${shown(key)} holds U+10FFFF`, { limit: "key" });
}

/** Throws STORE_REFUSED. */
export function assertRange(from: string, to: string, options: RangeOptions = {}): void {
  assertBound(from, BOUND_BYTES_MAX);
  assertBound(to, BOUND_BYTES_MAX);
  const { limit } = options;
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
    throw refused(`A range's limit is a whole number from 1, not ${limit}`, { limit: "limit" });
}

/** Throws STORE_REFUSED. */
export function assertTxn(request: TxnRequest): void {
  const { compare, success, failure = [] } = request;
  let valueBytes = 0;
  const counts = { compare: compare.length, success: success.length, failure: failure.length };
  for (const [part, count] of Object.entries(counts)) {
    if (count > TXN_OPS_MAX)
      throw refused(`A transaction has ${count} operations in "${part}"; ${TXN_OPS_MAX} are the most`, {
        limit: "ops",
        count,
      });
  }
  for (const { key, ...test } of compare) {
    assertStoreKey(key);
    if (test.target === "value") valueBytes += test.value.length;
  }
  for (const branch of [success, failure]) valueBytes += checkBranch(branch);
  if (valueBytes > VALUE_BYTES_MAX)
    throw refused(
      `A transaction carries ${valueBytes} bytes of values; ${VALUE_BYTES_MAX} are the most. Put large data into a blob`,
      { limit: "bytes", bytes: valueBytes },
    );
}

/** Throws STORE_REFUSED. */
export function assertLeaseTtl(ttlMs: number): void {
  if (ttlMs >= LEASE_TTL_MS_MIN && ttlMs <= LEASE_TTL_MS_MAX) return;
  throw refused(`A lease lasts ${LEASE_TTL_MS_MIN} to ${LEASE_TTL_MS_MAX} ms, not ${ttlMs}`, {
    limit: "ttlMs",
  });
}

/** Throws STORE_REFUSED. */
export function assertWatch({ from, to, fromRevision }: WatchRequest): void {
  assertRange(from, to);
  if (fromRevision !== undefined && !(Number.isSafeInteger(fromRevision) && fromRevision >= 1))
    throw refused(`A watch begins at a revision from 1, not ${fromRevision}`, { limit: "fromRevision" });
}

/**
 * The order of UTF-8 bytes, which is that of code points: UTF-16 code units put surrogates (emoji) before
 * U+E000..U+FFFF, so those two blocks change places.
 */
export function compareStoreKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return rankOf(unitA) - rankOf(unitB);
  }
  return a.length - b.length;
}

const rankOf = (unit: number): number =>
  unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;

/** Returns the bytes of all values. */
function checkBranch(branch: readonly Op[]): number {
  const puts = new Set<string>();
  const deletes: Op[] = [];
  let valueBytes = 0;
  for (const op of branch) {
    if (op.kind === "deleteRange") assertRange(op.from, op.to);
    else assertStoreKey(op.key);
    if (op.kind === "delete" || op.kind === "deleteRange") deletes.push(op);
    if (op.kind !== "put") continue;
    valueBytes += op.value.length;
    if (puts.has(op.key)) throw writtenTwice(op.key);
    puts.add(op.key);
  }
  for (const key of puts) {
    if (deletes.some((op) => deletesKey(op, key))) throw writtenTwice(key);
  }
  return valueBytes;
}

function deletesKey(op: Op, key: string): boolean {
  if (op.kind === "delete") return op.key === key;
  if (op.kind !== "deleteRange") return false;
  return compareStoreKeys(op.from, key) <= 0 && compareStoreKeys(key, op.to) < 0;
}

const writtenTwice = (key: string): BicoastalError =>
  refused(`A transaction writes the key ${shown(key)} twice`, { limit: "distinctKeys" });

function assertBound(text: string, bytesMax: number): void {
  // Two surrogates that no character is made of would be stored as the same bytes.
  if (loneSurrogate.test(text))
    throw refused(`The store's key ${shown(text)} is not well-formed text`, { limit: "key" });
  if (text.length > bytesMax || (text.length * 3 > bytesMax && encoder.encode(text).length > bytesMax))
    throw refused(`The store's key ${shown(text)} is longer than ${bytesMax} bytes`, { limit: "key" });
}

const shown = (key: string): string => JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);

const refused = (what: string, details: Record<string, string | number>): BicoastalError =>
  new BicoastalError("STORE_REFUSED", `${what}. Nothing was done.`, {
    details: { ...details, outcome: "failed" },
  });
