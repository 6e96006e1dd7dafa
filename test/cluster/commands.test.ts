/** Commands of somebody who is no node, against one cluster. */
import { expect, test } from "vitest";
import { jsonLines } from "../cli-process.ts";
import { NodeProcesses } from "./node-processes.ts";

const MINUTES = 60_000;

test("a job is left to the nodes, stopped from elsewhere, and gone on with", {
  timeout: 3 * MINUTES,
}, async () => {
  const cluster = new NodeProcesses(undefined);
  await cluster.start("a");
  const file = cluster.writeJob();
  const [left] = jsonLines(await cluster.command("run", file, "--detach", "--json")) as { job: string }[];
  await cluster.driver(3);
  expect(jsonLines(await cluster.command("cancel", "steps", "--json"))).toEqual([
    { job: left!.job, state: "cancelled" },
  ]);
  const resumed = await cluster.command("resume", left!.job, "--json");
  expect(jsonLines(resumed)).toEqual(jsonLines(await cluster.alone("run", file, "--json")));
  expect((await cluster.command("cancel", left!.job)).stderr).toContain("had succeeded already");
});
