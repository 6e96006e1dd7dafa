/** What etcd and gRPC report, in the words of the store. */
import { status } from "@grpc/grpc-js";
import { BicoastalError, type ErrorCode } from "../../base/errors.ts";

/**
 * - `lost`: no answer, or one after which the request may still be carried out.
 * - `unserved`: this member did not take the request; another may, or this one later.
 * - `token`: the token is of another time; a new one will do.
 * - `rejected`: whatever else etcd answers. The request has not been carried out.
 */
export type FailureKind =
  | "lost"
  | "unserved"
  | "token"
  | "revisionGone"
  | "leaseGone"
  | "refused"
  | "full"
  | "damaged"
  | "credentials"
  | "forbidden"
  | "rejected";

/** No member of the cluster could be connected to, so nothing was sent. */
export class Unreachable extends Error {}

/**
 * etcd's messages, by the part that all its versions have in common: its codes alone do not tell what may have
 * happened. Those here come before a request is proposed, or instead of its being applied.
 */
const kindsByText: readonly (readonly [string, FailureKind])[] = [
  ["requested lease not found", "leaseGone"],
  ["too many operations in txn request", "refused"],
  ["request is too large", "refused"],
  ["message larger than max", "refused"],
  ["duplicate key given in txn request", "refused"],
  ["database space exceeded", "full"],
  ["corrupt cluster", "damaged"],
  ["required revision", "revisionGone"],
  ["invalid auth token", "token"],
  ["revision of auth store is old", "token"],
  ["user name is empty", "token"],
  ["authentication failed", "credentials"],
  ["permission denied", "forbidden"],
  ["etcdserver: no leader", "unserved"],
  ["etcdserver: too many requests", "unserved"],
  ["etcdserver: not capable", "unserved"],
  ["not supported for learner", "unserved"],
];
/** After these, nobody knows. */
const lostCodes = new Set<number>([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/** undefined where it is none of gRPC's failures: a bug of ours, which must not look like one. */
export function kindOf(thrown: unknown): FailureKind | undefined {
  if (thrown instanceof Unreachable) return "unserved";
  if (!(thrown instanceof Error) || !("code" in thrown) || !("details" in thrown)) return undefined;
  const { code, details } = thrown;
  if (typeof code !== "number" || typeof details !== "string") return undefined;
  return kindOfText(details) ?? (lostCodes.has(code) ? "lost" : "rejected");
}

export const kindOfText = (text: string): FailureKind | undefined =>
  kindsByText.find(([part]) => text.includes(part))?.[1];

export const textOf = (thrown: unknown): string =>
  reportedText(thrown)
    // gRPC's own words around what the system said.
    .replace(/^No connection established\. Last error: (?:Error: )?(?=\S)/, "")
    .replace(/\.? *Resolution note: *$/, "");

const reportedText = (thrown: unknown): string =>
  thrown instanceof Error && "details" in thrown && typeof thrown.details === "string"
    ? thrown.details
    : thrown instanceof Error
      ? thrown.message
      : String(thrown);

/**
 * A member that looks at its space before it proposes a request has done nothing; one that finds it used up while it carries
 * the request out does so all the same. Both say that they are full.
 */
const mayHaveBeenDone: ReadonlySet<FailureKind> = new Set<FailureKind>(["lost", "full"]);

/** @param isWrite Whether it could have changed something. */
export function storeError(thrown: unknown, endpoints: readonly string[], isWrite: boolean): unknown {
  const kind = kindOf(thrown);
  if (kind === undefined) return thrown;
  const outcome = isWrite && mayHaveBeenDone.has(kind) ? "unknown" : "failed";
  const { code, retryable, say } = words[kind];
  const text = `${say(`The store on etcd (${endpoints.join(", ")})`, textOf(thrown))}${
    outcome === "unknown" ? " Whether the change was made is not known: read it again." : ""
  }`;
  return new BicoastalError(code, text, { retryable, details: { endpoints, outcome }, cause: thrown });
}

interface Words {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly say: (store: string, text: string) => string;
}
const away: Words = {
  code: "STORE_UNAVAILABLE",
  retryable: true,
  say: (store, text) =>
    `${store} does not answer: ${text}. Check the addresses, and that more than half of its members run ` +
    "(etcdctl endpoint status).",
};
const words: Readonly<Record<FailureKind, Words>> = {
  lost: away,
  unserved: away,
  token: {
    code: "STORE_UNAVAILABLE",
    retryable: false,
    say: (store, text) => `${store} wants to know who asks: ${text}. Give it a user and a password.`,
  },
  credentials: {
    code: "STORE_UNAVAILABLE",
    retryable: false,
    say: (store, text) => `${store} does not know this user and password: ${text}. Correct them.`,
  },
  forbidden: {
    code: "STORE_UNAVAILABLE",
    retryable: false,
    say: (store, text) =>
      `${store} does not let this user do it: ${text}. Grant the user a role that reads and writes all keys of ` +
      "the store's prefix (etcdctl role grant-permission --prefix).",
  },
  rejected: {
    code: "STORE_UNAVAILABLE",
    retryable: false,
    say: (store, text) =>
      `${store} rejected a request: ${text}. Check that it is etcd of version 3.4 or newer.`,
  },
  revisionGone: {
    code: "STORE_UNAVAILABLE",
    retryable: true,
    say: (store, text) => `${store} forgets faster than it can be read: ${text}. Compact it less often.`,
  },
  leaseGone: {
    code: "LEASE_GONE",
    retryable: false,
    say: (store) => `The lease has ended in ${lowerFirst(store)}. Nothing was done; grant a new one.`,
  },
  refused: {
    code: "STORE_REFUSED",
    retryable: false,
    say: (store, text) =>
      `${store} takes less than this request: ${text}. Nothing was done. Run etcd with its defaults for ` +
      "--max-txn-ops and --max-request-bytes, or more.",
  },
  full: {
    code: "DISK_FULL",
    retryable: true,
    say: (store, text) =>
      `${store} is full: ${text}. Compact and defragment it or raise --quota-backend-bytes, ` +
      "then run etcdctl alarm disarm.",
  },
  damaged: {
    code: "STORE_CORRUPT",
    retryable: false,
    say: (store, text) => `${store} is damaged: ${text}. Restore the cluster from a snapshot.`,
  },
};

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

export const storeClosed = (endpoints: readonly string[]): BicoastalError =>
  new BicoastalError(
    "STORE_UNAVAILABLE",
    `The store on etcd (${endpoints.join(", ")}) has been closed. Open it again.`,
    {
      details: { endpoints, outcome: "failed" },
    },
  );
