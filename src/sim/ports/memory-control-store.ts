import { BicoastalError } from "../../base/errors.ts";
import type {
  ControlStore,
  GetResult,
  LeaseId,
  RangeOptions,
  RangeResult,
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
import { WatchSet } from "../../ports/control-store-watches.ts";
import { MemoryStoreBackend } from "./memory-control-store-backend.ts";

export { MemoryStoreBackend };

/**
 * One client of a store in memory, the deterministic twin of the real ones. It waits for nothing but microtasks: a
 * call acts at once, its promise and its watches follow within the same turn of the event loop.
 */
export class MemoryControlStore implements ControlStore {
  readonly #backend: MemoryStoreBackend;
  readonly #watches = new WatchSet();
  readonly #stopListening: () => void;
  #closed = false;

  constructor(backend: MemoryStoreBackend) {
    this.#backend = backend;
    const stopChanges = backend.onChange(() => this.#watches.deliver(backend.history()));
    const stopSetBack = backend.onSetBack(() => this.#watches.fail("the store was restored"));
    this.#stopListening = () => {
      stopChanges();
      stopSetBack();
    };
  }

  async get(key: string): Promise<GetResult> {
    this.#assertOpen();
    assertStoreKey(key);
    return this.#backend.get(key);
  }

  async range(from: string, to: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.#assertOpen();
    assertRange(from, to, options);
    return this.#backend.range(from, to, options.limit);
  }

  async txn(request: TxnRequest): Promise<TxnResult> {
    this.#assertOpen();
    assertTxn(request);
    return this.#backend.txn(request);
  }

  async grantLease(ttlMs: number): Promise<LeaseId> {
    this.#assertOpen();
    assertLeaseTtl(ttlMs);
    return this.#backend.grantLease(ttlMs);
  }

  async keepAlive(lease: LeaseId): Promise<boolean> {
    this.#assertOpen();
    return this.#backend.keepAlive(lease);
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    this.#assertOpen();
    this.#backend.revokeLease(lease);
  }

  watch(request: WatchRequest, onEvent: (event: WatchEvent) => void): Watch {
    this.#assertOpen();
    assertWatch(request);
    const watch = this.#watches.add(
      request,
      request.fromRevision ?? this.#backend.history().revision + 1,
      onEvent,
    );
    queueMicrotask(() => this.#watches.deliver(this.#backend.history()));
    return watch;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    this.#watches.closeAll();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw new BicoastalError("STORE_UNAVAILABLE", "The store has been closed. Open it again.", {
      details: { outcome: "failed" },
    });
  }
}
