import { controlStoreContract, ManualClock, type StoreCluster } from "../../ports/control-store.contract.ts";
import { controlStoreModelTest } from "../../ports/control-store.fuzz.contract.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { MemoryControlStore, MemoryStoreBackend } from "./memory-control-store.ts";

async function makeCluster(): Promise<StoreCluster> {
  const clock = new ManualClock();
  const backend = new MemoryStoreBackend(clock);
  const clients: ControlStore[] = [];
  return {
    connect: async () => {
      const client = new MemoryControlStore(backend);
      clients.push(client);
      return client;
    },
    elapse: (delayMs) => clock.advance(delayMs),
    compact: async () => backend.compact(backend.history().revision),
    close: async () => {
      for (const client of clients) await client.close();
    },
  };
}

controlStoreContract("MemoryControlStore", makeCluster);
controlStoreModelTest("MemoryControlStore", makeCluster);
