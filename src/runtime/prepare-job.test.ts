import { describe, expect, it } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { contentHash, jobId } from "../base/ids.ts";
import { fingerprint } from "../plan/fingerprint.ts";
import type { EndNode, Plan, PlanNode, SourceFormat, SourceNode, WriteEnd } from "../plan/node.ts";
import type { SourceSplit } from "../plan/task.ts";
import { decodeSpec, encodeJson } from "../protocol/codec.ts";
import { TASKS_MAX } from "../protocol/job-spec.ts";
import { contextOf, type PrepareJob, prepareJob } from "./prepare-job.ts";

const source = (end = 9): SourceNode => {
  return { kind: "source", source: { format: "range", start: 0, end, step: 1, partitions: undefined } };
};
const count = (input: PlanNode, partitions?: number): PlanNode => ({
  kind: "aggregate",
  input,
  key: "record",
  aggregator: "count",
  emit: "pair",
  empty: undefined,
  partitions,
});
const collect = (input: PlanNode): EndNode => ({ kind: "collect", input, rowsMax: 5, single: true });
const write = (input: PlanNode, directory: string): WriteEnd => ({
  kind: "write",
  input,
  format: "csv",
  directory,
  overwrite: true,
  columns: ["a"],
  gzip: false,
});
const plan = (...ends: readonly EndNode[]): Plan => ({
  ends: ends.map((end, index) => ({ name: `end${index}`, end })),
  shape: "record",
});

/** As many splits as the range is long. */
const splitsOf = async (of: SourceFormat): Promise<readonly SourceSplit[]> => {
  if (of.format !== "range") throw new Error("only ranges here");
  return Array.from({ length: of.end }, (_, start) => ({ kind: "items", start, end: start + 1 }));
};
const prepare = (of: Plan, changes: Partial<PrepareJob> = {}) =>
  prepareJob({
    id: jobId("job-1"),
    name: "job",
    params: { top: 3 },
    plan: of,
    constants: { seed: "s", submittedAtMs: 5, bundle: contentHash("ab") },
    policy: { attemptsMax: 3, taskTimeoutMs: 7, retryDelayMs: 1, retryDelayMsMax: 2 },
    planSplits: splitsOf,
    resolvePath: (path) => `/data/${path}`,
    ...changes,
  });

describe("a job that is prepared", () => {
  it("has its stages with labels, sizes and dependencies, its splits, and its ends with where they come from", async () => {
    const shared = source(3);
    const of = plan(collect(count(shared, 2)), write(shared, "out"));
    const spec = await prepare(of);
    expect(spec).toEqual({
      version: 1,
      id: "job-1",
      name: "job",
      params: { top: 3 },
      constants: { seed: "s", submittedAtMs: 5, bundle: "ab" },
      fingerprint: fingerprint(of),
      joins: [],
      stages: [
        {
          id: 0,
          label: "read.range { → shuffle (countBy); → write csv }",
          tasks: 3,
          dependsOn: [],
          input: { kind: "source", sourceIndex: 0 },
          broadcasts: [],
          sinkPartitions: [2, 1],
        },
        {
          id: 1,
          label: "countBy → collect",
          tasks: 2,
          dependsOn: [0],
          input: { kind: "shuffle", sides: [[{ stage: 0, sink: 0 }]] },
          broadcasts: [],
          sinkPartitions: [1],
        },
      ],
      ends: [
        {
          name: "end0",
          producers: [{ stage: 1, sink: 0 }],
          end: { kind: "collect", rowsMax: 5, single: true },
        },
        {
          name: "end1",
          producers: [{ stage: 0, sink: 1 }],
          end: { kind: "write", format: "csv", directory: "/data/out", overwrite: true },
        },
      ],
      shape: "record",
      splits: [await splitsOf(shared.source)],
      policy: { attemptsMax: 3, taskTimeoutMs: 7, retryDelayMs: 1, retryDelayMsMax: 2 },
    });
    // It is the same when it comes back from where it is stored.
    expect(decodeSpec(encodeJson(spec), "The job")).toEqual(spec);
  });

  it("tells each task where its outputs go, as they were resolved once", async () => {
    const spec = await prepare(plan(collect(source(1)), write(source(1), "out")));
    expect(contextOf(spec)).toEqual({
      job: "job-1",
      name: "job",
      params: { top: 3 },
      constants: spec.constants,
      fingerprint: spec.fingerprint,
      joins: [],
      outputDirectories: ["", "/data/out"],
    });
  });

  it("lists each source once, however many ends use it, in the order of first use", async () => {
    const listed: number[] = [];
    const [first, second] = [source(1), source(2)];
    const planSplits = (of: SourceFormat): Promise<readonly SourceSplit[]> => {
      listed.push(of.format === "range" ? of.end : -1);
      return splitsOf(of);
    };
    const spec = await prepare(plan(collect(second), collect(first), collect(count(second))), { planSplits });
    expect(listed).toEqual([2, 1]);
    expect(spec.splits.map(({ length }) => length)).toEqual([2, 1]);
  });

  it("may have no input at all", async () => {
    const spec = await prepare(plan(collect(count(source(0)))));
    expect(spec.stages.map(({ tasks }) => tasks)).toEqual([0, 1]);
    expect(decodeSpec(encodeJson(spec), "The job")).toEqual(spec);
  });

  it("is refused where its input cannot be listed, with that error", async () => {
    const missing = new BicoastalError("INPUT_NOT_FOUND", "no such file");
    const planSplits = () => Promise.reject(missing);
    await expect(prepare(plan(collect(source())), { planSplits })).rejects.toBe(missing);
  });
});

describe("the number of tasks", () => {
  it("may be a million, and no more", async () => {
    expect((await prepare(plan(collect(count(source(TASKS_MAX - 7), 7))))).stages).toHaveLength(2);
    const error = await prepare(plan(collect(count(source(TASKS_MAX), 7)))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({
      code: "JOB_INVALID",
      details: { tasks: TASKS_MAX + 7, tasksMax: TASKS_MAX },
    });
    expect((error as BicoastalError).message).toMatch(/^Job job would have 1000007 tasks/);
  });
});

describe("directories to write", () => {
  it.each([
    ["out", "out", "the same directory: /data/out"],
    ["out", "out/inner", "a directory within /data/out: /data/out/inner"],
    ["out/inner", "out", "a directory within /data/out: /data/out/inner"],
    ["out", "out\\inner", "a directory within /data/out: /data/out\\inner"],
  ])("are apart: not %s and %s", async (a, b, where) => {
    const error = await prepare(plan(write(source(), a), write(source(), b))).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: "JOB_INVALID" });
    expect((error as BicoastalError).message).toContain(where);
  });

  it("are apart, also where one end has two names", async () => {
    const end = write(source(), "out");
    await expect(prepare(plan(end, end))).rejects.toMatchObject({ details: { ends: ["end1", "end0"] } });
  });

  it("may lie at the root of all, alone", async () => {
    const resolvePath = (path: string): string => path;
    const atRoot = plan(write(source(), "/"), write(source(), "/out"));
    await expect(prepare(atRoot, { resolvePath })).rejects.toMatchObject({ code: "JOB_INVALID" });
  });

  it("may be neighbours whose names begin alike", async () => {
    const spec = await prepare(
      plan(write(source(), "out"), write(source(), "out2"), write(source(), "out.d")),
    );
    expect(spec.ends).toHaveLength(3);
  });
});
