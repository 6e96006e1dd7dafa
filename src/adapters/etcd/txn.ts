/** Transactions in etcd's words: its model is the port's, so that this is all there is to do. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { unreachable } from "../../base/assert.ts";
import type { Compare, Op, TxnRequest, TxnResult } from "../../ports/control-store.ts";
import { compareStoreKeys } from "../../ports/control-store-limits.ts";
import type { CompareSchema, RequestOpSchema, TxnRequestSchema, TxnResponse } from "./etcd-messages.ts";
import { type KeySpace, leaseNumber } from "./keys.ts";
import { malformed, revisionIn } from "./malformed.ts";

const results = { "=": 0, ">": 1, "<": 2, "!=": 3 } as const;
const targets = { version: 0, createRevision: 1, modRevision: 2, value: 3 } as const;

export function encodeTxn(
  { compare, success, failure = [] }: TxnRequest,
  keys: KeySpace,
): MessageInitShape<typeof TxnRequestSchema> {
  const ops = success.flatMap((op) => encodeOp(op, keys));
  const otherOps = failure.flatMap((op) => encodeOp(op, keys));
  // A transaction without operations etcd takes for one whose reads may all be stale, and so are its comparisons.
  if (ops.length === 0 && otherOps.length === 0) {
    ops.push(freshRead(keys));
    otherOps.push(freshRead(keys));
  }
  return { compare: compare.map((test) => encodeCompare(test, keys)), success: ops, failure: otherOps };
}

/** How many answers the caller waits for in either branch. */
export interface GetCounts {
  readonly success: number;
  readonly failure: number;
}
export const countGets = ({ success, failure = [] }: TxnRequest): GetCounts => ({
  success: success.filter(({ kind }) => kind === "get").length,
  failure: failure.filter(({ kind }) => kind === "get").length,
});

/** Throws what `malformed` makes. */
export function decodeTxn(reply: TxnResponse, counts: GetCounts, keys: KeySpace): TxnResult {
  const { succeeded, header, responses } = reply;
  const gets = responses.flatMap(({ response }) => {
    if (response.case !== "responseRange") return [];
    const [kv] = response.value.kvs;
    return [kv === undefined ? undefined : keys.entryOf(kv)];
  });
  const asked = succeeded ? counts.success : counts.failure;
  if (gets.length < asked) throw malformed(`${gets.length} of ${asked} keys of a transaction`);
  return { succeeded, revision: revisionIn(header), gets: gets.slice(0, asked) };
}

/** Such a transaction may be sent again. */
export const onlyReads = ({ success, failure = [] }: TxnRequest): boolean =>
  [...success, ...failure].every(({ kind }) => kind === "get");

const freshRead = (keys: KeySpace): MessageInitShape<typeof RequestOpSchema> => ({
  request: { case: "requestRange", value: { key: keys.bytesOf("") } },
});

function encodeCompare(test: Compare, keys: KeySpace): MessageInitShape<typeof CompareSchema> {
  const key = keys.bytesOf(test.key);
  const [result, target] = [results[test.op], targets[test.target]];
  return test.target === "value"
    ? { key, result, target, targetUnion: { case: "value", value: test.value } }
    : { key, result, target, targetUnion: { case: test.target, value: BigInt(test.value) } };
}

function encodeOp(op: Op, keys: KeySpace): MessageInitShape<typeof RequestOpSchema>[] {
  switch (op.kind) {
    case "put": {
      const { value, lease } = op;
      const put = {
        key: keys.bytesOf(op.key),
        value,
        ...(lease === undefined ? {} : { lease: leaseNumber(lease) }),
      };
      return [{ request: { case: "requestPut", value: put } }];
    }
    case "get":
      return [{ request: { case: "requestRange", value: { key: keys.bytesOf(op.key) } } }];
    case "delete":
      return [{ request: { case: "requestDeleteRange", value: { key: keys.bytesOf(op.key) } } }];
    case "deleteRange": {
      // etcd's check for keys written twice does not expect a range that ends before it begins.
      if (compareStoreKeys(op.from, op.to) >= 0) return [];
      const range = { key: keys.bytesOf(op.from), rangeEnd: keys.bytesOf(op.to) };
      return [{ request: { case: "requestDeleteRange", value: range } }];
    }
    default:
      return unreachable(op);
  }
}
