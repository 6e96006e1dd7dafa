import { BicoastalError } from "../../base/errors.ts";
import type { Prng } from "../../base/prng.ts";
import type { ControlStore, LeaseId } from "../../ports/control-store.ts";
import type { SimProcess } from "../process.ts";
import type { Trace } from "../trace.ts";
import type { FaultRates } from "./rates.ts";

/** One process's way to the shared store: slow, refusing, or losing the answer to what was done. */
export function faultyStore(
  store: ControlStore,
  process: SimProcess,
  random: Prng,
  rates: () => FaultRates,
  trace: Trace,
): ControlStore {
  const call = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const { storeRefuses, storeReplyLost, storeLate, delayMsMax } = rates();
    const late = random.chance(storeLate);
    const there = 1 + random.below(late ? delayMsMax : 3);
    const back = 1 + random.below(late ? delayMsMax : 3);
    const refused = random.chance(storeRefuses);
    const lost = random.chance(storeReplyLost);
    return process.awaiting(there, async () => {
      if (refused) {
        trace.fault("storeRefuses", `${name} of ${process.name}`);
        throw unavailable(name, "failed");
      }
      const value = await work();
      if (lost) {
        trace.fault("storeReplyLost", `${name} of ${process.name}`);
        throw unavailable(name, "unknown");
      }
      return process.awaiting(back, async () => value);
    });
  };
  return {
    get: (key, options) => call("get", () => store.get(key, options)),
    range: (from, to, options) => call("range", () => store.range(from, to, options)),
    txn: (request) => call("txn", () => store.txn(request)),
    grantLease: (ttlMs) => call("grantLease", () => store.grantLease(ttlMs)),
    keepAlive: (lease: LeaseId) => call("keepAlive", () => store.keepAlive(lease)),
    revokeLease: (lease: LeaseId) => call("revokeLease", () => store.revokeLease(lease)),
    watch: (request, onEvent) => store.watch(request, (event) => process.enter(() => onEvent(event))),
    close: async () => {},
  };
}

function unavailable(name: string, outcome: "failed" | "unknown"): BicoastalError {
  return new BicoastalError("STORE_UNAVAILABLE", `The simulated store did not answer ${name}`, {
    retryable: true,
    details: { outcome },
  });
}
