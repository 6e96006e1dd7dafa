import type { ControlStore } from "../../../ports/control-store.ts";

/** A store of which some calls go otherwise: to see that the checks notice. */
export function changedStore(store: ControlStore, changes: Partial<ControlStore>): ControlStore {
  return {
    get: (key, options) => store.get(key, options),
    range: (from, to, options) => store.range(from, to, options),
    txn: (request) => store.txn(request),
    grantLease: (ttlMs) => store.grantLease(ttlMs),
    keepAlive: (lease) => store.keepAlive(lease),
    revokeLease: (lease) => store.revokeLease(lease),
    watch: (request, onEvent) => store.watch(request, onEvent),
    close: () => store.close(),
    ...changes,
  };
}
