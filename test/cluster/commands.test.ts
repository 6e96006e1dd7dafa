/** Commands of somebody who is no node, against one cluster. */
import { expect, test } from "vitest";
import { jsonLines } from "../cli-process.ts";
import { NodeProcesses, outputOf, runAlone } from "./node-processes.ts";

const MINUTES = 60_000;

test("a job is left to the nodes, stopped from elsewhere, and gone on with", {
  timeout: 3 * MINUTES,
}, async () => {
  const cluster = new NodeProcesses();
  const { job } = cluster;
  await cluster.start("a");
  const run = await cluster.command("run", job.file, "--out", "out", "--detach", "--json");
  const [left] = jsonLines(run) as { job: string }[];
  job.admit("map", 3);
  await cluster.until("the job is under way", () => job.arrived("map") > 3);
  expect(jsonLines(await cluster.command("cancel", "gated", "--json"))).toEqual([
    { job: left!.job, state: "cancelled" },
  ]);
  job.open("map", "reduce", "sorted");
  const resumed = await cluster.command("resume", left!.job, "--json");
  expect(outputOf(resumed, cluster.path("out"))).toEqual(await runAlone());
  expect((await cluster.command("cancel", left!.job)).stderr).toContain("had succeeded already");
});
