/** kill -9 of nodes, in every stage of a job: what it gives is what it gives on one machine, to the byte. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EtcdServers, hasEtcd } from "../etcd/etcd-servers.ts";
import { MAP_TASKS } from "./gated-job.ts";
import { NodeProcesses, type Output, runAlone } from "./node-processes.ts";

describe.runIf(hasEtcd)("kill -9", () => {
  let etcd: EtcdServers;
  let alone: Output;
  let clusters = 0;
  beforeAll(async () => {
    [etcd, alone] = await Promise.all([EtcdServers.start(3), runAlone()]);
  });
  afterAll(() => etcd?.stop());
  const open = (): NodeProcesses =>
    new NodeProcesses({ store: `etcd://${etcd.endpoints.join(",")}/kills-${clusters++}` });

  test("of a worker in the map stage", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    await cluster.allAt("map");
    job.admit("map", 4);
    await cluster.until("some of it is done", () => job.arrived("map") > 3);
    const [worker] = await cluster.workers();
    await worker!.kill();
    job.open("map", "reduce", "sorted");
    expect(await output).toEqual(alone);
    await cluster.audit();
  });

  test("of a worker in the shuffle, whose map outputs are needed still", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    await cluster.allAt("map");
    job.open("map", "sorted");
    await cluster.allAt("reduce");
    job.admit("reduce", 1);
    await cluster.until("some of it is done", () => job.arrived("reduce") > 3);
    const worker = (await cluster.workers()).find((node) => node.blocks().length > 0);
    await worker!.kill();
    job.open("reduce");
    expect(await output).toEqual(alone);
    const { outputLost, taskCompleted } = await cluster.audit();
    expect(outputLost).toBeGreaterThan(0);
    expect(taskCompleted).toBeGreaterThan(MAP_TASKS);
  });

  test("of a worker in the last reduce stage", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    job.open("map", "reduce");
    await cluster.allAt("sorted");
    job.admit("sorted", 1);
    const [worker] = await cluster.workers();
    await worker!.kill();
    job.open("sorted");
    expect(await output).toEqual(alone);
    await cluster.audit();
  });

  test("of the driver, again and again", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    for (const gate of ["map", "reduce", "sorted"] as const) {
      await cluster.until(`tasks come to the gate ${gate}`, () => job.arrived(gate) > 0);
      const driver = await cluster.someDriver();
      await driver.kill();
      await cluster.start(driver.name);
      await cluster.someDriver();
      job.open(gate);
    }
    expect(await output).toEqual(alone);
    const { epochStarted } = await cluster.audit();
    expect(epochStarted).toBeGreaterThanOrEqual(4);
  });

  /**
   * Nobody but the driver is to be given up, and the next one waits for what the others have to say for a tenth of it: longer
   * than a busy machine keeps anybody from saying it. So nobody waits for it to end either.
   */
  const leaseMs = 120_000;
  test.each([
    ["goes on under the next one", "after"],
    ["counts for the next one, though it ended when nobody drove", "before"],
  ])("of the driver: what the others were doing %s", async (_, admitted) => {
    const cluster = open();
    const { job } = cluster;
    const names = ["a", "b", "c"];
    await Promise.all(names.map((name) => cluster.start(name, { leaseMs })));
    const output = cluster.run();
    await cluster.allAt("map");
    await (await cluster.someDriver()).kill();
    // Those that are at the gate, and nobody else.
    if (admitted === "before") job.admit("map", names.length);
    await cluster.endDriverLease();
    await cluster.someDriver();
    job.admit("map", names.length);
    const survivors = names.length - 1;
    await cluster.until("the survivors go on", () => job.arrived("map") >= names.length + survivors);
    job.open("map", "reduce", "sorted");
    expect(await output).toEqual(alone);
    const { adopted } = await cluster.audit();
    expect(adopted).toBe(survivors);
  });

  test("of the driver and a worker together", async () => {
    const cluster = open();
    const { job } = cluster;
    await cluster.startAll("a", "b", "c");
    const output = cluster.run();
    await cluster.allAt("map");
    job.open("map", "sorted");
    await cluster.allAt("reduce");
    job.admit("reduce", 1);
    await cluster.until("some of it is done", () => job.arrived("reduce") > 3);
    const driver = await cluster.someDriver();
    const [worker] = await cluster.workers();
    await Promise.all([driver.kill(), worker!.kill()]);
    job.open("reduce");
    expect(await output).toEqual(alone);
    const { epochStarted } = await cluster.audit();
    expect(epochStarted).toBeGreaterThanOrEqual(2);
  });
});
