import type { LeaseId } from "../../ports/control-store.ts";
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";
import type { Faults } from "./faults.ts";

const AWAY_MS_MAX = 12_000;

/** What happens to the store itself, whoever asks it: no quorum, another leader, leases cut short, the past forgotten. */
export function scheduleStoreFaults(
  faults: Faults,
  backend: MemoryStoreBackend,
  going: () => boolean,
  onLeaseCut: (lease: LeaseId) => void,
): void {
  const { drawn, random, scheduler, trace } = faults;
  faults.every(
    drawn.storeAwayEveryMs,
    () => {
      const forMs = random.below(AWAY_MS_MAX);
      trace.fault("storeAway", `for ${forMs} ms`);
      faults.storeAway = true;
      scheduler.after(forMs, () => {
        faults.storeAway = false;
      });
    },
    going,
  );
  faults.every(
    drawn.leaderChangeEveryMs,
    () => {
      trace.fault("leaderChange", `${backend.renewLeases()} leases begin again`);
    },
    going,
  );
  faults.every(
    drawn.leaseCutEveryMs,
    () => {
      const leases = backend.leaseIds();
      if (leases.length === 0) return;
      const lease = random.pick(leases);
      trace.fault("leaseCut", `lease ${lease}`);
      onLeaseCut(lease);
      backend.revokeLease(lease);
    },
    going,
  );
  faults.every(
    drawn.compactEveryMs,
    () => {
      const { revision } = backend.history();
      trace.fault("compact", `before revision ${revision + 1}`);
      backend.compact(revision + 1);
    },
    going,
  );
}
