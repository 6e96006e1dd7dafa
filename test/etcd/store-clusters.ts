/** What the control store's suites need of an etcd: each case gets a prefix of its own in one that runs. */

import { KV } from "../../src/adapters/etcd/etcd-messages.ts";
import { connectEtcd, openEtcdControlStore } from "../../src/adapters/etcd/open.ts";
import { systemClock } from "../../src/adapters/machine/system-clock.ts";
import type { StoreCluster } from "../../src/ports/control-store.contract.ts";
import { type ControlStore, prefixEnd } from "../../src/ports/control-store.ts";
import { delay } from "./etcd-servers.ts";

let cases = 0;

export function storeCluster(endpoints: readonly string[]): StoreCluster {
  const options = { endpoints, clock: systemClock, prefix: `case-${cases++}/` };
  const clients: ControlStore[] = [];
  const connect = async (): Promise<ControlStore> => {
    const client = await openEtcdControlStore(options);
    clients.push(client);
    return client;
  };
  return {
    connect,
    elapse: async (delayMs) => {
      await delay(delayMs);
      // On a busy machine the timer may come before what has long been sent; an answer does not.
      await Promise.all(clients.map((client) => client.get("~").catch(() => undefined)));
    },
    compact: async () => {
      const { revision } = await (await connect()).get("~");
      const client = await connectEtcd(options);
      await client
        .write(KV.method.compact, { revision: BigInt(revision) }, () => {})
        .finally(() => client.close());
    },
    close: async () => {
      // A lease that ends later must not make a revision while the next case runs.
      const all = { kind: "deleteRange", from: "", to: prefixEnd("") } as const;
      await (await connect()).txn({ compare: [], success: [all] });
      for (const client of clients) await client.close();
    },
  };
}
