import { expect, test } from "vitest";
import { jsonLines } from "../cli-process.ts";
import { NodeProcesses } from "./node-processes.ts";

const MINUTES = 60_000;

test("a job runs on the nodes as it does alone, and they are told of", { timeout: 3 * MINUTES }, async () => {
  const cluster = new NodeProcesses(undefined);
  await cluster.start("a");
  await cluster.start("b");
  const file = cluster.writeJob();
  const nodes = jsonLines(await cluster.command("nodes", "--json"));
  expect(nodes).toMatchObject([
    { node: "a", region: "a", slots: 1, state: "ready" },
    { node: "b", region: "b", slots: 1, state: "ready" },
  ]);
  const result = await cluster.command("run", file, "--json");
  expect(jsonLines(result)).toEqual(jsonLines(await cluster.alone("run", file, "--json")));
  expect(jsonLines(await cluster.command("jobs", "--json"))).toMatchObject([
    { name: "steps", state: "succeeded" },
  ]);
});

test("a worker that is killed is done without", { timeout: 3 * MINUTES }, async () => {
  const cluster = new NodeProcesses(undefined);
  for (const name of ["a", "b", "c"]) await cluster.start(name);
  const file = cluster.writeJob();
  const result = cluster.command("run", file, "--json");
  const driver = await cluster.driver(10);
  await cluster.nodes.find((node) => node !== driver)!.signal("SIGKILL");
  expect(jsonLines(await result)).toEqual(jsonLines(await cluster.alone("run", file, "--json")));
});

test("a driver that is killed is replaced, and what was done is not done again", {
  timeout: 3 * MINUTES,
}, async () => {
  const cluster = new NodeProcesses(undefined);
  for (const name of ["a", "b", "c"]) await cluster.start(name);
  const file = cluster.writeJob();
  const result = cluster.command("run", file, "--json");
  const driver = await cluster.driver(10);
  await driver.signal("SIGKILL");
  expect(jsonLines(await result)).toEqual(jsonLines(await cluster.alone("run", file, "--json")));
  const [job] = jsonLines(await cluster.command("jobs", "--json")) as { job: string }[];
  const [details] = jsonLines(await cluster.command("job", job!.job, "--json"));
  expect(details).toMatchObject({ state: "succeeded", epochs: 2 });
});

test("a node that is stopped politely hands over what it drives", { timeout: 3 * MINUTES }, async () => {
  const cluster = new NodeProcesses(undefined);
  for (const name of ["a", "b"]) await cluster.start(name);
  const file = cluster.writeJob();
  const result = cluster.command("run", file, "--json");
  const driver = await cluster.driver(5);
  await driver.signal("SIGTERM");
  expect(driver.lines.at(-1)).toMatchObject({ kind: "left" });
  expect(jsonLines(await result)).toEqual(jsonLines(await cluster.alone("run", file, "--json")));
});

test("a job that nobody can run waits for a node", { timeout: 3 * MINUTES }, async () => {
  const cluster = new NodeProcesses(undefined);
  const file = cluster.writeJob();
  const { code, stderr } = await cluster.command("run", file, "--json");
  expect(code).toBe(1);
  expect(stderr).toContain("bicoastal node");
});
