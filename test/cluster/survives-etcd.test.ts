/** Members of etcd that go, for a while or for good, a store that is set back, and a whole region with the member that stands in it. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { delay, EtcdServers, hasEtcd } from "../etcd/etcd-servers.ts";
import { NodeProcesses, type Output, runAlone } from "./node-processes.ts";

/** The shortest. etcd grants one of two seconds for it. */
const LEASE_MS = 1_000;
const LEASE_GRANTED_MS = 2_000;

describe.runIf(hasEtcd)("a job outlasts", () => {
  let etcd: EtcdServers;
  let alone: Output;
  beforeAll(async () => {
    alone = await runAlone();
  });
  beforeEach(async () => {
    etcd = await EtcdServers.start(3);
  });
  afterEach(() => etcd?.stop());
  const open = (): NodeProcesses => new NodeProcesses({ store: `etcd://${etcd.endpoints.join(",")}` });

  test("etcd's leader, and one member for good", async () => {
    const cluster = open();
    const { job } = cluster;
    // Whoever submits finds a node in any case.
    await cluster.startLasting("a", "b");
    const output = cluster.run();
    job.admit("map", 3);
    await cluster.until("the job is under way", () => job.arrived("map") > 3);
    const first = await etcd.leader();
    await etcd.kill(first);
    job.open("map");
    await cluster.until("the job is in its shuffle", () => job.arrived("reduce") > 0);
    await etcd.startMember(first);
    // It is there again, and the next one goes and does not come back.
    const second = await etcd.leader();
    await etcd.kill(second);
    job.open("reduce", "sorted");
    expect(await output).toEqual(alone);
    await cluster.audit();
  });

  test("all members, stopped for ten lease times and started again", async () => {
    const cluster = open();
    const { job } = cluster;
    for (const name of ["a", "b"]) await cluster.start(name, { leaseMs: LEASE_MS });
    const output = cluster.run();
    job.admit("map", 3);
    await cluster.until("the job is under way", () => job.arrived("map") > 3);
    await Promise.all([0, 1, 2].map((member) => etcd.kill(member)));
    // What runs ends meanwhile, and waits for the store.
    job.open("map");
    await delay(10 * LEASE_GRANTED_MS);
    expect(cluster.nodes.map(({ running }) => running)).toEqual([true, true]);
    await Promise.all([0, 1, 2].map((member) => etcd.startMember(member)));
    job.open("reduce", "sorted");
    expect(await output).toEqual(alone);
    const { failed } = await cluster.audit();
    expect(failed).toBeUndefined();
  });

  test("a store that is set back under living nodes, to before the driver's epoch", async () => {
    const single = await EtcdServers.start(1);
    try {
      const cluster = new NodeProcesses({ store: `etcd://${single.endpoints[0]}` });
      const { job } = cluster;
      await cluster.startLasting("a", "b");
      const output = cluster.run();
      job.admit("map", 3);
      await cluster.until("the job is under way", () => job.arrived("map") > 3);
      await single.save();
      await (await cluster.someDriver()).kill();
      const driver = await cluster.someDriver();
      // What the worker hears and ends under the second epoch, the store will have forgotten.
      job.open("map");
      job.admit("reduce", 2);
      await cluster.until("the job is in its shuffle", () => job.arrived("reduce") > 2);
      await single.setBack();
      job.open("reduce", "sorted");
      expect(await output).toEqual(alone);
      expect(driver.running).toBe(true);
      const { epochStarted } = await cluster.audit();
      expect(epochStarted).toBeGreaterThanOrEqual(2);
    } finally {
      await single.stop();
    }
  });

  test("a region: its nodes and its member of etcd at once, in mid-shuffle", async () => {
    const cluster = open();
    const { job } = cluster;
    const east = await Promise.all(["e1", "e2"].map((name) => cluster.start(name, { region: "east" })));
    await Promise.all(["w1", "w2"].map((name) => cluster.start(name, { region: "west" })));
    const output = cluster.run();
    await cluster.allAt("map");
    job.open("map", "sorted");
    await cluster.allAt("reduce");
    job.admit("reduce", 1);
    await cluster.until("some of it is done", () => job.arrived("reduce") > 4);
    await Promise.all([...east.map((node) => node.kill()), etcd.kill(0)]);
    job.open("reduce");
    expect(await output).toEqual(alone);
    const { outputLost } = await cluster.audit();
    expect(outputLost).toBeGreaterThan(0);
  });
});
