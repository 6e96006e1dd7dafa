import { describe, expect, it } from "vitest";
import { InvariantViolation } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import { stageId } from "../base/ids.ts";
import type { Completed } from "../core/job-state.ts";
import type { BlockRef, OutputFile } from "../plan/task.ts";
import type { CommittedFile, Outputs, OutputTarget } from "../ports/outputs.ts";
import type { EndShape, JobSpec } from "../protocol/job-spec.ts";
import { attemptOf, COLLECT_END, outputOf, smallSpec } from "../sim/jobs/small-job.ts";
import { CompleteOutputs, commitWrites, outputTargets, type ReadRows, readResults } from "./commit.ts";

const producer = (stage: number, sink: number) => ({ stage: stageId(stage), sink });
const collect = (
  changes: Partial<EndShape> & { readonly rowsMax?: number; readonly single?: boolean } = {},
): EndShape => {
  const { rowsMax = 10, single = false, ...rest } = changes;
  return { ...COLLECT_END, end: { kind: "collect", rowsMax, single }, ...rest };
};
const write = (directory: string, ...producers: EndShape["producers"]): EndShape => {
  return {
    name: directory.slice(1),
    producers,
    end: { kind: "write", format: "jsonl", directory, overwrite: false },
  };
};
const file = (endIndex: number, sink: number, staged: string, rows = 1): OutputFile => {
  return { endIndex, sink, staged, bytes: 10 * rows, rows };
};
const task = (stage: number, partition: number, files: readonly OutputFile[] = []): Completed => {
  const attempt = attemptOf(stage, partition);
  return { attempt, output: outputOf(attempt, { files }) };
};
const ALL = [task(0, 0), task(0, 1), task(1, 0)];

/** Each block holds three rows for each sink, given in two parts. */
const readRows: ReadRows = async function* (blocks: readonly BlockRef[], sink: number) {
  for (const { key } of blocks) {
    yield [`${key}/${sink}/0`, `${key}/${sink}/1`];
    yield [`${key}/${sink}/2`];
  }
};
const results = (ends: readonly EndShape[], tasks: readonly Completed[] = ALL, read = readRows) =>
  readResults(smallSpec({ ends }), new CompleteOutputs(tasks), read);

/** Writes down what it is asked to show. */
class ShownOutputs implements Pick<Outputs, "commit"> {
  readonly shown: [OutputTarget, readonly CommittedFile[]][] = [];
  async commit(target: OutputTarget, files: readonly CommittedFile[]): Promise<void> {
    this.shown.push([target, files]);
  }
}
async function committed(spec: JobSpec, tasks: readonly Completed[]): Promise<ShownOutputs["shown"]> {
  const outputs = new ShownOutputs();
  await commitWrites(spec, new CompleteOutputs(tasks), outputs as unknown as Outputs);
  return outputs.shown;
}

describe("results", () => {
  it("are the rows of the producers in their order, and of each by partition, whatever the tasks' order", async () => {
    const end = collect({ producers: [producer(1, 0), producer(0, 1)] });
    const [first, second, third] = ALL;
    expect(await results([end], [third!, second!, first!])).toEqual([
      {
        kind: "rows",
        name: "result",
        rows: ["s1.p0.e1.a0/0", "s0.p0.e1.a0/1", "s0.p1.e1.a0/1"].flatMap((from) =>
          [0, 1, 2].map((row) => `${from}/${row}`),
        ),
      },
    ]);
  });

  it("are one value where there is one record", async () => {
    const one: ReadRows = async function* () {
      yield [];
      yield [undefined];
    };
    expect(await results([collect({ single: true, rowsMax: 1 })], ALL, one)).toEqual([
      { kind: "value", name: "result", value: undefined },
    ]);
    await expect(results([collect({ single: true })])).rejects.toBeInstanceOf(InvariantViolation);
  });

  it("are as many as their bound, and not one more", async () => {
    expect(await results([collect({ rowsMax: 3 })])).toMatchObject([{ rows: { length: 3 } }]);
    const error = await results([collect({ rowsMax: 2 })]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "COLLECT_TOO_LARGE", details: { end: "result", limit: 2 } });
    expect((error as BicoastalError).message).toMatch(/"result" has more than 2 rows.*\.write\(\).*limit/);
  });

  it("that are too many are not read to their end", async () => {
    let parts = 0;
    const endless: ReadRows = async function* () {
      for (;;) {
        parts++;
        yield new Array(100).fill(0);
      }
    };
    await expect(results([collect({ rowsMax: 1_000 })], ALL, endless)).rejects.toMatchObject({
      code: "COLLECT_TOO_LARGE",
    });
    expect(parts).toBe(11);
  });

  it("whose blocks are lost say which", async () => {
    const lost: ReadRows = async function* ([block]) {
      yield [1];
      throw new BicoastalError("BLOB_MISSING", "gone", { details: { key: block!.key } });
    };
    await expect(results([collect()], ALL, lost)).rejects.toMatchObject({
      code: "BLOB_MISSING",
      details: { key: "s1.p0.e1.a0" },
    });
  });

  it("of a stage without tasks are none", async () => {
    expect(await results([collect({ producers: [producer(7, 0)] })])).toEqual([
      { kind: "rows", name: "result", rows: [] },
    ]);
  });

  it("of a write end are its own files, bytes and rows", async () => {
    const tasks = [
      task(0, 0, [file(1, 0, "a.jsonl", 2), file(2, 1, "b.jsonl", 5)]),
      task(0, 1, [file(1, 0, "c.jsonl", 3)]),
      task(1, 0),
    ];
    const ends = [collect(), write("/out", producer(0, 0)), write("/other", producer(0, 1))];
    expect((await results(ends, tasks)).slice(1)).toEqual([
      { kind: "written", name: "out", directory: "/out", files: 2, bytes: 50, rows: 5 },
      { kind: "written", name: "other", directory: "/other", files: 1, bytes: 50, rows: 5 },
    ]);
  });
});

describe("a commit", () => {
  it("shows the files of each directory in the order of producers, then partitions, with numbered names", async () => {
    const tasks = [
      task(1, 0, [file(0, 0, "s1.p0.k0.csv.gz")]),
      task(0, 1, [file(0, 1, "s0.p1.k1.txt"), file(1, 0, "s0.p1.k0.jsonl")]),
      // A partition without rows made no file.
      task(0, 0, [file(1, 0, "s0.p0.k0.jsonl")]),
    ];
    const spec = smallSpec({
      ends: [write("/out", producer(1, 0), producer(0, 1)), write("/other", producer(0, 0))],
    });
    const target = { job: spec.id, overwrite: false };
    expect(await committed(spec, tasks)).toEqual([
      [
        { ...target, endIndex: 0, directory: "/out" },
        [
          { staged: "s1.p0.k0.csv.gz", name: "part-00000.csv.gz", bytes: 10 },
          { staged: "s0.p1.k1.txt", name: "part-00001.txt", bytes: 10 },
        ],
      ],
      [
        { ...target, endIndex: 1, directory: "/other" },
        [
          { staged: "s0.p0.k0.jsonl", name: "part-00000.jsonl", bytes: 10 },
          { staged: "s0.p1.k0.jsonl", name: "part-00001.jsonl", bytes: 10 },
        ],
      ],
    ]);
  });

  it("keeps several sinks of one stage that feed one end apart, in the end's order", async () => {
    // A data set united with itself: each task wrote two files, one a way.
    const both = (partition: number) => [
      file(0, 0, `p${partition}.k0.jsonl`),
      file(0, 1, `p${partition}.k1.jsonl`),
    ];
    const tasks = [task(0, 0, both(0)), task(0, 1, both(1))];
    const staged = async (...producers: EndShape["producers"]) => {
      const [[, files]] = (await committed(smallSpec({ ends: [write("/out", ...producers)] }), tasks)) as [
        ShownOutputs["shown"][0],
      ];
      return files.map((of) => of.staged);
    };
    expect(await staged(producer(0, 0), producer(0, 1))).toEqual([
      "p0.k0.jsonl",
      "p1.k0.jsonl",
      "p0.k1.jsonl",
      "p1.k1.jsonl",
    ]);
    expect(await staged(producer(0, 1), producer(0, 0))).toEqual([
      "p0.k1.jsonl",
      "p1.k1.jsonl",
      "p0.k0.jsonl",
      "p1.k0.jsonl",
    ]);
  });

  it("gives names that sort as the parts do, up to a hundred thousand of them", async () => {
    const tasks = Array.from({ length: 1_200 }, (_, partition) =>
      task(0, partition, [file(0, 0, `${partition}.jsonl`)]),
    );
    const [[, files]] = (await committed(smallSpec({ ends: [write("/out", producer(0, 0))] }), tasks)) as [
      ShownOutputs["shown"][0],
    ];
    const names = files.map(({ name }) => name);
    expect([...names].sort()).toEqual(names);
    expect(names.at(-1)).toBe("part-01199.jsonl");
  });

  it("of a job that writes nothing shows nothing", async () => {
    expect(await committed(smallSpec(), ALL)).toEqual([]);
    expect(outputTargets(smallSpec())).toEqual([]);
  });

  it("takes no file for one whose format it does not know", async () => {
    const spec = smallSpec({ ends: [write("/out", producer(0, 0))] });
    await expect(committed(spec, [task(0, 0, [file(0, 0, "odd.parquet")])])).rejects.toBeInstanceOf(
      InvariantViolation,
    );
  });
});
