import { afterAll, beforeAll, describe } from "vitest";
import { controlStoreContract } from "../../src/ports/control-store.contract.ts";
import { controlStoreModelTest } from "../../src/ports/control-store.fuzz.contract.ts";
import { EtcdServers, hasEtcd } from "./etcd-servers.ts";
import { storeCluster } from "./store-clusters.ts";

describe.runIf(hasEtcd)("etcd of one member", () => {
  let etcd: EtcdServers;
  beforeAll(async () => {
    etcd = await EtcdServers.start(1);
  });
  afterAll(() => etcd?.stop());

  controlStoreContract("The store on etcd", async () => storeCluster(etcd.endpoints));
  controlStoreModelTest("The store on etcd", async () => storeCluster(etcd.endpoints));
});
