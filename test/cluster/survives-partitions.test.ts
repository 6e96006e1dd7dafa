/** Nodes that reach the store and not each other, for a while: each in a network namespace of its own. */
import { randomBytes } from "node:crypto";
import { afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { EtcdServers, hasEtcd } from "../etcd/etcd-servers.ts";
import { mayMakeNetworks, type NetworkSpace, NetworkSpaces } from "./network-spaces.ts";
import { LONG_LEASE_MS, type NodeProcess, NodeProcesses, type Output, runAlone } from "./node-processes.ts";

interface Site {
  readonly space: NetworkSpace;
  readonly node: NodeProcess;
}

// Needs root: networks are made.
describe.runIf(hasEtcd && mayMakeNetworks)("a job outlasts a partition", () => {
  let etcd: EtcdServers | undefined;
  let alone: Output;
  beforeAll(async () => {
    alone = await runAlone();
  });
  afterEach(() => etcd?.stop());

  async function open() {
    const network = new NetworkSpaces();
    onTestFinished(() => network.close());
    etcd = await EtcdServers.start(3, { host: network.host });
    const cluster = new NodeProcesses({
      store: `etcd://${etcd.endpoints.join(",")}`,
      env: { BICOASTAL_TOKEN: randomBytes(32).toString("hex") },
    });
    const sites = await Promise.all(
      ["a", "b", "c"].map(async (name): Promise<Site> => {
        const space = network.add();
        const args = ["--host", space.address];
        return {
          space,
          node: await cluster.start(name, { within: space.within, args, leaseMs: LONG_LEASE_MS }),
        };
      }),
    );
    const driver = async (): Promise<Site> => {
      const node = await cluster.someDriver();
      return sites.find((site) => site.node === node)!;
    };
    return { network, cluster, sites, driver };
  }

  test("between the driver and a worker, which heals", async () => {
    const { network, cluster, sites, driver } = await open();
    const { job } = cluster;
    const output = cluster.run();
    job.open("map", "sorted");
    await cluster.allAt("reduce");
    const near = await driver();
    const far = sites.find((site) => site !== near)!;
    network.cut(near.space, far.space);
    // The far one's task is begun anew by another: the driver has not heard of it for as long as a lease.
    job.admit("reduce", 6);
    const others = cluster.nodes.filter((node) => node !== near.node);
    // Where the driver stood still and was replaced meanwhile, the next one hears of both.
    await cluster.until(
      "its task was given to another, or another drives",
      () => job.arrived("reduce") > 6 || others.some((node) => node.has("driving")),
    );
    network.heal(near.space, far.space);
    job.open("reduce");
    expect(await output).toEqual(alone);
    await cluster.audit();
  });

  test("between two workers, of which each has blocks that the other needs", async () => {
    const { network, cluster, sites, driver } = await open();
    const { job } = cluster;
    const output = cluster.run();
    await cluster.allAt("map");
    job.admit("map", 9);
    await cluster.until("all nodes have done map tasks", () =>
      cluster.nodes.every((node) => node.blocks().length > 0),
    );
    const near = await driver();
    const [a, b] = sites.filter((site) => site !== near);
    network.cut(a!.space, b!.space);
    job.open("map", "reduce");
    await cluster.until("the shuffle is done all the same", () => job.arrived("sorted") > 0);
    network.heal(a!.space, b!.space);
    job.open("sorted");
    expect(await output).toEqual(alone);
    await cluster.audit();
  });

  test("that leaves the driver alone", async () => {
    const { network, cluster, sites, driver } = await open();
    const { job } = cluster;
    const output = cluster.run();
    await cluster.allAt("map");
    job.admit("map", 6);
    await cluster.until("all nodes have done map tasks", () =>
      cluster.nodes.every((node) => node.blocks().length > 0),
    );
    const near = await driver();
    const others = sites.filter((site) => site !== near);
    for (const other of others) network.cut(near.space, other.space);
    job.open("map", "reduce");
    await cluster.until("it goes on by itself", () => job.arrived("sorted") > 0);
    for (const other of others) network.heal(near.space, other.space);
    job.open("sorted");
    expect(await output).toEqual(alone);
    await cluster.audit();
  });
});
