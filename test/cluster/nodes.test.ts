import { expect, test } from "vitest";
import { jsonLines } from "../cli-process.ts";
import { NodeProcesses, runAlone } from "./node-processes.ts";

test("a job runs on the nodes as it does alone, and they are told of", async () => {
  const cluster = new NodeProcesses();
  await cluster.startLasting("a", "b");
  const nodes = jsonLines(await cluster.command("nodes", "--json"));
  expect(nodes).toMatchObject([
    { node: "a", region: "a", slots: 1, state: "ready" },
    { node: "b", region: "b", slots: 1, state: "ready" },
  ]);
  const own = ["--threads", "1", "--memory", "300MB", "--data-dir", cluster.path("data-other")];
  const twin = await cluster.command("node", "--name", "a", ...own);
  expect([twin.code, twin.stderr]).toEqual([2, expect.stringContaining("A node of the name a runs already")]);
  cluster.job.open("map", "reduce", "sorted");
  expect(await cluster.run()).toEqual(await runAlone());
  expect(jsonLines(await cluster.command("jobs", "--json"))).toMatchObject([
    { name: "gated", state: "succeeded" },
  ]);
});

test("a node that is stopped politely hands over what it drives", async () => {
  const cluster = new NodeProcesses();
  const { job } = cluster;
  await cluster.startLasting("a", "b");
  const output = cluster.run();
  job.admit("map", 5);
  await cluster.until("the job is under way", () => job.arrived("map") > 5);
  const driver = await cluster.someDriver();
  await driver.leave();
  expect(driver.lines.at(-1)).toMatchObject({ kind: "left" });
  job.open("map", "reduce", "sorted");
  expect(await output).toEqual(await runAlone());
});

test("a job that nobody can run waits for a node", async () => {
  const cluster = new NodeProcesses();
  const { code, stderr } = await cluster.command("run", cluster.job.file, "--out", "out", "--json");
  expect(code).toBe(1);
  expect(stderr).toContain("bicoastal node");
});
