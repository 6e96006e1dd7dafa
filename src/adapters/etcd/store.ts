/**
 * The control store on etcd: any number of machines, and nothing lost while more than half of its members run. This file
 * owns the port's calls; `client.ts` how they are sent, `watch.ts` how a watch goes on.
 *
 * etcd's model is the port's, so that each call is one of etcd's; limits are checked before anything is sent. A write whose
 * answer is lost throws STORE_UNAVAILABLE with the outcome "unknown", and may even take effect later: whoever tries it
 * again must have it compare something that the first try changes.
 */
import type {
  ControlStore,
  GetResult,
  LeaseId,
  RangeOptions,
  RangeResult,
  ReadOptions,
  TxnRequest,
  TxnResult,
  Watch,
  WatchEvent,
  WatchRequest,
} from "../../ports/control-store.ts";
import {
  assertLeaseTtl,
  assertRange,
  assertStoreKey,
  assertTxn,
  assertWatch,
} from "../../ports/control-store-limits.ts";
import type { EtcdClient } from "./client.ts";
import {
  KV,
  Lease,
  Maintenance,
  type RangeResponse,
  type StatusResponse,
  type TxnResponse,
} from "./etcd-messages.ts";
import { type KeySpace, leaseNumber } from "./keys.ts";
import { malformed, revisionIn } from "./malformed.ts";
import { readRange } from "./ranges.ts";
import { countGets, decodeTxn, encodeTxn, onlyReads } from "./txn.ts";
import { EtcdWatch } from "./watch.ts";

/** A watch from "about now" begins after the newest revision that this client saw no longer ago than this. */
const ABOUT_NOW_MS = 5_000;

export class EtcdControlStore implements ControlStore {
  readonly #client: EtcdClient;
  readonly #keys: KeySpace;
  readonly #watches = new Set<Watch>();
  #newest = { revision: 0, atMs: Number.NEGATIVE_INFINITY };

  constructor(client: EtcdClient, keys: KeySpace) {
    this.#client = client;
    this.#keys = keys;
  }

  /** Throws STORE_UNAVAILABLE where no member answers, or does not know the user. */
  async connect(): Promise<void> {
    await this.#client.connect();
    const take = (reply: StatusResponse): number => revisionIn(reply.header);
    this.#sawRevision(await this.#client.read(Maintenance.method.status, {}, take, { isLocal: true }));
  }

  async get(key: string, { consistency }: ReadOptions = {}): Promise<GetResult> {
    assertStoreKey(key);
    const isLocal = consistency === "serializable";
    const request = { key: this.#keys.bytesOf(key), serializable: isLocal };
    const take = ({ header, kvs: [kv] }: RangeResponse): GetResult => {
      const entry = kv === undefined ? undefined : this.#keys.entryOf(kv);
      if (entry !== undefined && entry.key !== key) throw malformed("another key than was asked for");
      return { entry, revision: revisionIn(header) };
    };
    const result = await this.#client.read(KV.method.range, request, take, { isLocal });
    this.#sawRevision(result.revision);
    return result;
  }

  async range(from: string, to: string, options: RangeOptions = {}): Promise<RangeResult> {
    assertRange(from, to, options);
    const result = await readRange(this.#client, this.#keys, { from, to, options });
    this.#sawRevision(result.revision);
    return result;
  }

  async txn(request: TxnRequest): Promise<TxnResult> {
    assertTxn(request);
    const encoded = encodeTxn(request, this.#keys);
    const counts = countGets(request);
    const take = (reply: TxnResponse): TxnResult => decodeTxn(reply, counts, this.#keys);
    const result = onlyReads(request)
      ? await this.#client.read(KV.method.txn, encoded, take)
      : await this.#client.write(KV.method.txn, encoded, take);
    this.#sawRevision(result.revision);
    return result;
  }

  async grantLease(ttlMs: number): Promise<LeaseId> {
    assertLeaseTtl(ttlMs);
    const request = { TTL: BigInt(Math.ceil(ttlMs / 1_000)) };
    return await this.#client.write(Lease.method.leaseGrant, request, ({ ID }) => {
      if (leaseNumber(ID) !== ID) throw malformed(`the lease ${ID}`);
      return ID;
    });
  }

  async keepAlive(id: LeaseId): Promise<boolean> {
    const request = { ID: leaseNumber(id) };
    return await this.#client.read(Lease.method.leaseKeepAlive, request, ({ TTL }) => TTL > 0n);
  }

  async revokeLease(id: LeaseId): Promise<void> {
    const request = { ID: leaseNumber(id) };
    await this.#client
      .read(Lease.method.leaseRevoke, request, () => {})
      .catch((error) => {
        if (error.code !== "LEASE_GONE") throw error;
      });
  }

  watch(request: WatchRequest, onEvent: (event: WatchEvent) => void): Watch {
    assertWatch(request);
    this.#client.assertOpen();
    const { revision, atMs } = this.#newest;
    const watch = new EtcdWatch({
      client: this.#client,
      keys: this.#keys,
      request,
      nowRevision: this.#client.clock.monotonicMs() - atMs <= ABOUT_NOW_MS ? revision + 1 : undefined,
      onEvent,
      onEnd: (ended) => void this.#watches.delete(ended),
    });
    this.#watches.add(watch);
    return watch;
  }

  async close(): Promise<void> {
    for (const watch of this.#watches) watch.close();
    this.#client.close();
  }

  #sawRevision(revision: number): void {
    const newest = Math.max(this.#newest.revision, revision);
    this.#newest = { revision: newest, atMs: this.#client.clock.monotonicMs() };
  }
}
