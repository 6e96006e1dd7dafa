import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  apply,
  controlStoreContract,
  ManualClock,
  put,
  type StoreCluster,
} from "../../ports/control-store.contract.ts";
import { controlStoreModelTest } from "../../ports/control-store.fuzz.contract.ts";
import type { ControlStore } from "../../ports/control-store.ts";
import { openLmdbControlStore } from "./store.ts";

const HISTORY_REVISIONS_MAX = 100;
const DISK_MS = 5;

async function makeCluster(): Promise<StoreCluster> {
  const clock = new ManualClock();
  const directory = await mkdtemp(join(tmpdir(), "bicoastal-store-"));
  const clients: ControlStore[] = [];
  const connect = async () => {
    const client = await openLmdbControlStore({
      directory,
      clock,
      historyRevisionsMax: HISTORY_REVISIONS_MAX,
    });
    clients.push(client);
    return client;
  };
  return {
    connect,
    elapse: async (delayMs) => {
      await clock.advance(delayMs);
      // The disk keeps real time: what a timer wrote is there a little later.
      await new Promise((resolve) => setTimeout(resolve, DISK_MS));
    },
    compact: async () => {
      const client = await connect();
      for (let i = 0; i < HISTORY_REVISIONS_MAX; i++) await apply(client, put("~"));
    },
    close: async () => {
      for (const client of clients) await client.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

controlStoreContract("The store on LMDB", makeCluster);
controlStoreModelTest("The store on LMDB", makeCluster);
