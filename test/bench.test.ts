/** The bench itself, on a little data and beside the peers that need nothing: that it runs, and that ways agree. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { digestOf, disagreeing } from "../bench/harness/agree.mjs";
import { ratioOf } from "../bench/harness/figures.mjs";
import { plot } from "../bench/harness/plot.mjs";
import { root } from "./house/project-files.ts";

const directory = mkdtempSync(join(tmpdir(), "bicoastal-bench-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Way {
  readonly name: string;
  readonly failure?: string;
  readonly runs: readonly { readonly seconds: number }[];
}

interface Workload {
  readonly name: string;
  readonly disagree: readonly string[];
  readonly results: readonly Way[];
}

test("workloads run, and all ways agree", () => {
  const only = "wordcount,inverted-index,top";
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(root, "bench", "main.mjs"),
      ...["--scale", "tiny", "--only", only, "--peers", "readline,threads", "--data", directory],
      ...["--json", "--no-build"],
    ],
    { cwd: root, encoding: "utf8" },
  );
  expect(stderr).not.toContain("FAILED");
  expect(status).toBe(0);
  const { workloads } = JSON.parse(stdout) as { workloads: readonly Workload[] };
  expect(workloads.map(({ name }) => name)).toEqual(["wordcount", "inverted-index", "top"]);
  for (const { disagree, results } of workloads) {
    expect(disagree).toEqual([]);
    expect(results.filter(({ runs }) => runs.length !== 1)).toEqual([]);
  }
  expect(workloads[0]?.results.map(({ name }) => name)).toContain("threads");
});

test("a way that finds something else is named", () => {
  const digests = new Map([
    ["bicoastal", digestOf("ranked", '["a",3]\n["b",2]\n["c",1]\n', "")],
    ["equal", digestOf("ranked", '["a", 3.0]\n["b",2]\n["d",1]\n', "")],
    ["other", digestOf("ranked", '["a",3]\n["b",1]\n["c",1]\n', "")],
  ]);
  expect(disagreeing(digests)).toEqual(["other"]);
});

test("ratios are taken round by round, and drawn", () => {
  const way = (name: string, seconds: readonly number[]) => ({
    name,
    title: name,
    failure: undefined,
    runs: seconds.map((value, round) => ({
      round,
      seconds: value,
      cpuSeconds: undefined,
      peakMb: undefined,
    })),
  });
  const [base, peer] = [way("bicoastal", [1, 2, 4]), way("peer", [3, 4, 12])];
  expect(ratioOf(peer, base)).toEqual({ median: 3, min: 2, max: 3 });
  const svg = plot([{ name: "x", title: "a < b", results: [base, peer], disagree: [] }]);
  expect(svg).toContain("3.00×");
  expect(svg).toContain("a &lt; b");
});
