/** That chaos would notice: each way in which a result can be wrong, and each figure that is told. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { EndOutcome } from "../../src/index.ts";
import { temporaryDirectory } from "../cli-process.ts";
import { root } from "../house/project-files.ts";
import type { ChaosNode } from "./chaos-node.ts";
import { SHAPES } from "./expected-rows.ts";
import { compare } from "./job-lane.ts";
import { expectedOfJob, inputLines, plannedJob } from "./job-plan.ts";
import { Journal } from "./journal.ts";
import { type ChaosReport, distributionOf, figuresOf, withFigures } from "./report.ts";

const rowsOf = (rows: readonly unknown[]): readonly EndOutcome[] => [{ kind: "rows", name: "result", rows }];

test.each([
  ["a row too few", [1, 2], /rows: 2 instead of 3/],
  ["a row twice", [1, 2, 3, 3], /rows: 4 instead of 3/],
  ["another row", [1, 2, 4], /first that differs is 4 instead of 3/],
])("%s is noticed", (_, rows, problem) => {
  const expected = { rows: ["1", "2", "3"], written: undefined, inOrder: false };
  expect(compare(rowsOf([3, 1, 2]), expected, "")).toEqual([]);
  expect(compare(rowsOf(rows), expected, "")).toEqual([expect.stringMatching(problem)]);
});

test("so is a directory that is not there, one that lacks a file, and an order that was not kept", () => {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-judgement-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const expected = { rows: [], written: ["a", "b", "c"], inOrder: true };
  const out = join(directory, "out");
  expect(compare([], expected, out)).toEqual([expect.stringMatching(/is not there/)]);
  mkdirSync(out);
  writeFileSync(join(out, "part-00000.txt"), "a\nb\n");
  expect(compare([], expected, out)).toEqual([expect.stringMatching(/2 instead of 3/)]);
  writeFileSync(join(out, "part-00001.txt"), "c\n");
  expect(compare([], expected, out)).toEqual([]);
  writeFileSync(join(out, "part-00000.txt"), "b\na\n");
  expect(compare([], expected, out)).toEqual([expect.stringMatching(/differs is b instead of a/)]);
  expect(compare([], { ...expected, inOrder: false }, out)).toEqual([]);
});

test("a take-over is timed from the harm, and not where the driver came back or the job has ended", () => {
  const journal = new Journal();
  const [a, b] = ["a", "b"].map((name) => ({ name }) as ChaosNode) as [ChaosNode, ChaosNode];
  for (const job of ["one", "two", "three"]) journal.onLine(a, { kind: "driving", job }, 100);
  journal.lostDriver(a, 1_000);
  expect(journal.underWay()).toEqual([]);
  journal.onLine(b, { kind: "driving", job: "one" }, 3_500);
  journal.ended("two");
  journal.driverIsBack(a);
  journal.onLine(b, { kind: "driving", job: "three" }, 9_000);
  expect(journal.takeOvers).toEqual([{ job: "one", from: "a", to: "b", tookMs: 2_500 }]);
  journal.onLine(b, { kind: "drove", job: "one", outcome: "committed" }, 9_500);
  expect(journal.underWay()).toEqual(["three"]);
});

test("the figures stand in the page between their marks, and a page without them is refused", () => {
  const none = { count: 0, median: 0, worst: 0 };
  const report: ChaosReport = {
    ...{ seed: "s", minutes: 3, nodes: 5, regions: 3, members: 3, leaseMs: 2_000, jobs: 7, jobsByShape: {} },
    ...{ jobsPerMinute: 2.3, tasks: 70, epochs: 9, outputsLost: 1, jobSeconds: distributionOf([3, 1, 2]) },
    ...{ takeOverLeases: none, faults: { "kill a driver": 2 }, missed: {}, attemptsFailed: {}, backups: 0 },
    ...{ setAside: 0, leftOut: [{ kind: "fill a disk", needs: "small disks" }], problems: [] },
  };
  const figures = figuresOf(report);
  expect(figures).toContain("| kill a driver | 2 | 0 |");
  expect(figures).toContain("| fill a disk | left out: needs small disks | |");
  expect(figures).toContain("3: median 2.0, worst 3.0 s");
  const page = "before\n<!-- figures of a run: begin -->\nstale\n<!-- figures of a run: end -->\nafter\n";
  const written = withFigures(page, report);
  expect(written).toContain("npm run chaos -- --minutes 3 --seed s");
  expect(written).not.toContain("stale");
  expect(withFigures(written, report)).toBe(written);
  expect(() => withFigures("no marks", report)).toThrow("has no lines");
});

// The jobs of chaos in one process, without any harm: what is expected was worked out by other means.
test("every shape of job gives what is expected of it where nothing goes wrong", async () => {
  const room = temporaryDirectory();
  const { connect } = (await import(join(root, "dist", "index.js"))) as typeof import("../../src/index.ts");
  const jobs = (await import(join(root, "test", "chaos", "chaos-job.mjs"))) as Record<string, never>;
  const lines = inputLines("seed").slice(0, 2_000);
  writeFileSync(join(room, "lines.txt"), lines.join("\n"));
  const session = await connect({ dataDir: join(room, "data") });
  onTestFinished(() => session.close());
  for (const shape of SHAPES) {
    const job = { ...plannedJob("seed", 0, 0), shape, pauseMs: 0 };
    const { rows, salt } = job;
    const out = join(room, shape);
    const params = {
      rows,
      salt,
      pauseMs: 0,
      ...(shape === "words" ? { input: join(room, "lines.txt") } : { out }),
    };
    if (shape === "joined") Reflect.deleteProperty(params, "out");
    const { ends } = await session.run(jobs[shape]!, params, { threads: 1 });
    expect(compare(ends, expectedOfJob(job, lines), out), shape).toEqual([]);
  }
});
