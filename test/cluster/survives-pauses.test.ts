/** Nodes that freeze for longer than their leases and come back, and nodes that are replaced one after another. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EtcdServers, hasEtcd } from "../etcd/etcd-servers.ts";
import { LONG_LEASE_MS, NodeProcesses, type Output, runAlone } from "./node-processes.ts";

describe.runIf(hasEtcd)("a job outlasts", () => {
  let etcd: EtcdServers;
  let alone: Output;
  let clusters = 0;
  beforeAll(async () => {
    [etcd, alone] = await Promise.all([EtcdServers.start(3), runAlone()]);
  });
  afterAll(() => etcd?.stop());
  const open = (): NodeProcesses =>
    new NodeProcesses({ store: `etcd://${etcd.endpoints.join(",")}/pauses-${clusters++}` });

  test("a frozen worker, whose late reports change nothing", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    await cluster.allAt("map");
    const [frozen] = await cluster.workers();
    frozen!.freeze();
    // Its task begins anew elsewhere: there is nobody left whose lease lasts.
    job.admit("map", 12);
    await cluster.until("its task was given to another", () => job.arrived("map") >= 13);
    frozen!.thaw();
    // Its own attempt goes through the gate now, and what it tells of that is too late.
    job.open("map", "reduce", "sorted");
    expect(await output).toEqual(alone);
    await cluster.audit();
    await cluster.until("it belongs to the cluster again", async () => (await cluster.names()).length === 3);
  });

  test("a frozen driver, which is replaced and then writes nothing more", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    job.open("map", "sorted");
    await cluster.allAt("reduce");
    job.admit("reduce", 2);
    await cluster.until("some of it is done", () => job.arrived("reduce") > 3);
    const frozen = await cluster.someDriver();
    frozen.freeze();
    const others = cluster.nodes.filter((node) => node !== frozen);
    await cluster.until("another drives", () => others.some((node) => node.has("driving")));
    const begun = job.arrived("reduce");
    // However many began anew as nodes stood still: all that wait now go on, and at least what the frozen one had is left.
    job.admit("reduce", begun);
    await cluster.until("others have done something", () => job.arrived("reduce") > begun);
    frozen.thaw();
    job.open("reduce");
    expect(await output).toEqual(alone);
    const { epochStarted } = await cluster.audit();
    expect(epochStarted).toBeGreaterThanOrEqual(2);
  });

  test("the restart of every node, one after another", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    // Fewer than there are tasks, at the last one too: some are under way each time.
    for (const [name, done] of [
      ["a", 2],
      ["b", 6],
      ["c", 10],
    ] as const) {
      job.admit("map", done);
      await cluster.until("tasks are under way", () => job.arrived("map") > done);
      const node = cluster.nodes.find((one) => one.name === name)!;
      await node.leave();
      expect(node.lines.at(-1)).toMatchObject({ kind: "left" });
      await cluster.start(name);
    }
    job.open("map", "reduce", "sorted");
    expect(await output).toEqual(alone);
    const { failed } = await cluster.audit();
    expect(failed).toBeUndefined();
  });

  test("the replacement of every node that drains, and makes nothing twice", async () => {
    const cluster = open();
    const { job } = cluster;
    const first = await Promise.all(
      // Each is waited for to the end: far longer than that takes.
      ["a", "b", "c"].map((name) => cluster.start(name, { drainTimeout: "10m", leaseMs: LONG_LEASE_MS })),
    );
    const output = cluster.run();
    for (const [i, gate] of (["map", "reduce", "sorted"] as const).entries()) {
      const node = first[i]!;
      await cluster.until(`tasks come to the gate ${gate}`, () => job.arrived(gate) > 0);
      await cluster.start(`${node.name}2`, { leaseMs: LONG_LEASE_MS });
      node.process.signal("SIGTERM");
      await cluster.until(`${node.name} drains`, () => node.has("leaving"));
      job.open(gate);
    }
    expect(await output).toEqual(alone);
    await Promise.all(first.map((node) => node.process.ended));
    expect(first.map((node) => node.lines.at(-1))).toMatchObject(first.map(() => ({ kind: "left" })));
    expect(await cluster.audit()).not.toHaveProperty("outputLost");
  });
});
