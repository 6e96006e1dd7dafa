/** Commands of somebody who is no node, against one cluster. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { jsonLines } from "../cli-process.ts";
import { NodeProcesses, outputOf, runAlone } from "./node-processes.ts";

test("a job is left to the nodes, stopped from elsewhere, and gone on with", async () => {
  const cluster = new NodeProcesses();
  const { job } = cluster;
  await cluster.startLasting("a");
  expect((await cluster.command("jobs")).code).toBe(0);
  // Whoever only asks leaves nothing where it stands.
  expect(existsSync(cluster.path("client"))).toBe(false);
  const run = await cluster.command("run", job.file, "--out", "out", "--detach", "--json");
  const [left] = jsonLines(run) as { job: string }[];
  job.admit("map", 3);
  await cluster.until("the job is under way", () => job.arrived("map") > 3);
  expect(jsonLines(await cluster.command("cancel", "gated", "--json"))).toEqual([
    { job: left!.job, state: "cancelled" },
  ]);
  job.open("map", "reduce", "sorted");
  const detached = await cluster.command("resume", left!.job, "--detach", "--json");
  expect(jsonLines(detached)).toEqual([{ job: left!.job }]);
  // Follows it, as it runs or has succeeded by now.
  const resumed = await cluster.command("resume", left!.job, "--json");
  expect(outputOf(resumed, cluster.path("out"))).toEqual(await runAlone());
  expect((await cluster.command("cancel", left!.job)).stderr).toContain("had succeeded already");
});

test("a node that is drained is waited for until nothing of it is needed, and nothing is made again", async () => {
  const cluster = new NodeProcesses();
  const { job } = cluster;
  await cluster.startLasting("a", "b");
  const output = cluster.run();
  job.admit("map", 5);
  await cluster.until("the job is under way", () => job.arrived("map") > 5);
  const driver = await cluster.someDriver();
  const drained = cluster.command("drain", driver.name, "--json");
  await cluster.until("the node drains", () => driver.has("draining"));
  job.open("map", "reduce", "sorted");
  expect(jsonLines(await drained)).toEqual([{ node: driver.name, state: "drained" }]);
  expect(await output).toEqual(await runAlone());
  expect(await cluster.audit()).not.toHaveProperty("outputLost");
  expect(jsonLines(await cluster.command("nodes", "--json"))).toMatchObject([
    { node: "a", state: driver.name === "a" ? "drained" : "ready" },
    { node: "b", state: driver.name === "b" ? "drained" : "ready" },
  ]);
  const wrong = await cluster.command("drain", "c");
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("It has a, b.")]);
  expect(wrong.stderr).not.toContain("drains");
  await driver.leave();
  expect(driver.lines.at(-1)).toMatchObject({ kind: "left" });
});

test.each([
  ["SIGHUP", 129],
  ["SIGTERM", 143],
] as const)(
  "a job goes on when who submitted it gets %s, as from a terminal that is closed",
  async (signal, code) => {
    const cluster = new NodeProcesses();
    const { job } = cluster;
    await cluster.startLasting("a");
    const run = await cluster.begin("run", job.file, "--out", "out", "--json");
    job.admit("map", 3);
    await cluster.until(
      "the job is under way",
      () => job.arrived("map") > 3 && /^job gated-/m.test(run.said()),
    );
    run.process.signal(signal);
    const left = await run.result;
    expect([left.code, left.stderr]).toEqual([
      code,
      expect.stringContaining("the cluster's nodes go on with gated-"),
    ]);
    job.open("map", "reduce", "sorted");
    const [, id = ""] = /bicoastal resume (gated-\S+)/.exec(left.stderr) ?? [];
    expect(outputOf(await cluster.command("resume", id, "--json"), cluster.path("out"))).toEqual(
      await runAlone(),
    );
    expect(await cluster.audit()).not.toHaveProperty("cancelled");
  },
);
