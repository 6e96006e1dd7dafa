/** Stopped by signals, and jobs that keep much on disk: what is left is what a resume needs, and nothing else. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonLines } from "./cli-process.ts";
import { killAt, moments, RecoveryProject } from "./recovery-project.ts";

const SIGNALS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const;

test.each(SIGNALS)("%s stops with %i, and resume goes on", async (signal, exitCode) => {
  const project = new RecoveryProject();
  project.hold();
  const running = project.startSlowly(50, "run", "everything.ts", "--threads", "2");
  while (!moments.begun(12).reached(project, 0)) await new Promise((resolve) => setTimeout(resolve, 1));
  running.child.kill(signal);
  project.release();
  const stopped = await running.ended;
  expect(stopped).toMatchObject({ code: exitCode, signal: null, stdout: "" });
  const before = await project.audit();
  expect(before?.state.status.kind).toBe("cancelled");
  expect(before?.complete.size).toBeGreaterThan(3);
  expect(stopped.stderr).toContain(before?.job);
  expect(jsonLines(await project.run("job", before?.job ?? "", "--json"))).toMatchObject([
    { state: "cancelled" },
  ]);

  project.forgetRuns();
  const resumed = await project.run("resume", before?.job ?? "", "--json");
  expect(resumed.code).toBe(0);
  expect(project.runs().filter((task) => before?.complete.has(task))).toEqual([]);
  expect(project.leftovers()).toEqual([]);

  const other = new RecoveryProject();
  expect(project.given(resumed)).toEqual(other.given(await other.run("run", "everything.ts", "--json")));
});

/** Sorts far more than its memory holds, and stays in its spills while the file `wait` is there. */
const SPILLS = `
import { existsSync } from "node:fs";
import { job, read } from "bicoastal";
export default job({
  name: "spills",
  run: () =>
    read
      .range(60_000, { partitions: 2 })
      .map((n) => ({ n, key: (n * 7919) % 60_013, text: "some text to take room ".repeat(20) + n }))
      .sortBy(({ key }) => key, { partitions: 1 })
      .mapPartitions(function* (rows) {
        let index = 0;
        for (const { key } of rows) {
          while (index === 100 && existsSync("wait")) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
          if (index++ % 1_000 === 0) yield key;
        }
      }),
});
`;
const spillsOf = (project: RecoveryProject): string[] =>
  project.leftovers().filter((path) => path.includes("/scratch/"));

test("what a killed process spilled is cleared away by the next", async () => {
  const project = new RecoveryProject().write({ "spills.ts": SPILLS, wait: "" });
  const flags = ["--memory", "120MiB", "--threads", "1"];
  const running = project.startSlowly(0, "run", "spills.ts", ...flags);
  await killAt({ name: "spilled", reached: () => spillsOf(project).length > 0 }, project, running);
  expect(spillsOf(project).length).toBeGreaterThan(0);
  const job = (await project.audit())?.job ?? "";
  rmSync(join(project.directory, "wait"));
  const rows = jsonLines(await project.run("resume", job, "--json", ...flags));
  expect(rows).toEqual([...rows].sort((a, b) => Number(a) - Number(b)));
  expect(rows.length).toBe(60);
  expect(project.leftovers()).toEqual([]);
});
