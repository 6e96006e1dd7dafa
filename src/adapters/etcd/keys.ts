/** The store's keys and entries in etcd's words. */
import type { Entry, LeaseId } from "../../ports/control-store.ts";
import type { KeyValue } from "./etcd-messages.ts";
import { malformed, revisionOf } from "./malformed.ts";

const encoder = new TextEncoder();
/** A key may well begin with a byte order mark. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** What etcd calls no lease. */
const NO_LEASE = "0";
/** etcd makes ids above 0 only, so that this one has always ended. */
const NEVER_A_LEASE = "-1";
const LEASE_ID_MAX = 2n ** 63n - 1n;

/** All keys of one store begin with its prefix, so that several can share an etcd. */
export class KeySpace {
  readonly #prefix: string;

  /** @param prefix At least one byte: without it an empty bound would mean something else to etcd. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Of a key, and of a bound of a range. */
  bytesOf(key: string): Uint8Array {
    return encoder.encode(this.#prefix + key);
  }

  /** Throws what `malformed` makes for a key of somebody else's. */
  keyOf(bytes: Uint8Array): string {
    const key = decoder.decode(bytes);
    if (key.startsWith(this.#prefix)) return key.slice(this.#prefix.length);
    throw malformed("a key that was not asked for");
  }

  /** Throws what `malformed` makes. */
  entryOf({ key, value, createRevision, modRevision, version, lease }: KeyValue): Entry {
    return {
      key: this.keyOf(key),
      value,
      createRevision: revisionOf(createRevision),
      modRevision: revisionOf(modRevision),
      version: revisionOf(version),
      lease: lease === NO_LEASE ? undefined : lease,
    };
  }
}

/** As etcd's number. What cannot be one of its leases is one that has ended. */
export function leaseNumber(id: LeaseId): string {
  return /^[1-9]\d{0,18}$/.test(id) && BigInt(id) <= LEASE_ID_MAX ? id : NEVER_A_LEASE;
}
