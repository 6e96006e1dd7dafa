import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { SourceFormat } from "../../plan/node.ts";
import type { InputFile, SourceSplit } from "../../plan/task.ts";
import type { Inputs } from "../../ports/inputs.ts";
import { createMemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";
import { planSplits } from "./plan-splits.ts";

const MIB = 1024 * 1024;

const lines = (splitBytes?: number): SourceFormat => ({
  format: "lines",
  paths: ["/d"],
  splitBytes,
  recordBytesMax: MIB,
});
const files = (as: "text" | "bytes", recordBytesMax = MIB): SourceFormat => ({
  format: "files",
  as,
  paths: ["/d"],
  splitBytes: undefined,
  recordBytesMax,
});

/** Files of these sizes, of which only the names and sizes are ever asked for. */
function listing(sizes: readonly number[]): Inputs {
  const listed = sizes.map((sizeBytes, index): InputFile => ({ path: `/d/${index}`, sizeBytes, mtimeMs: 1 }));
  const refuse = () => Promise.reject(new Error("opened while planning"));
  return { list: async () => listed, open: refuse, openGzip: refuse };
}
const rangesOf = (splits: readonly SourceSplit[]) =>
  splits.map((split) =>
    split.kind === "files" ? split.files.map((file) => file.path) : [split.start, split.end],
  );

describe("splits of files", () => {
  test("follow the size of the input between their limits", async () => {
    const count = async (bytes: number) => (await planSplits(lines(), listing([bytes]))).length;
    expect(await count(1)).toBe(1);
    expect(await count(MIB)).toBe(1);
    expect(await count(MIB + 1)).toBe(2);
    expect(await count(10 * MIB)).toBe(10);
    expect(await count(24 * MIB)).toBe(24);
    expect(await count(64 * MIB)).toBe(24);
    expect(await count(768 * MIB)).toBe(24);
    expect(await count(800 * MIB)).toBe(25);
    expect(await count(2048 * MIB)).toBe(64);
    expect(await count(3000 * MIB)).toBe(64);
    expect(await count(6400 * MIB)).toBe(100);
  });

  test("cover every byte once, evenly", async () => {
    expect(rangesOf(await planSplits(lines(4), listing([10, 0, 4, 5])))).toEqual([
      [0, 4],
      [4, 7],
      [7, 10],
      [0, 4],
      [0, 3],
      [3, 5],
    ]);
  });

  test("of empty files and of nothing at all are none", async () => {
    expect(await planSplits(lines(), listing([0, 0]))).toEqual([]);
    expect(await readSource(lines(), createMemoryInputs([["/d/a", ""]]))).toEqual([]);
  });

  test("leave compressed files whole, damaged empty ones too", async () => {
    const inputs = createMemoryInputs([
      ["/d/a.gz", gzipSync("a\nb\n")],
      ["/d/b.GZ", gzipSync("")],
      ["/d/c", "c\n"],
    ]);
    const read = await readSource(lines(1), inputs);
    expect(read.map((split) => split.rows)).toEqual([["a", "b"], [], ["c"], []]);
    inputs.write("/d/empty.gz", "");
    await expect(readSource(lines(), inputs)).rejects.toMatchObject({ code: "INPUT_CORRUPT" });
  });

  test("put small files that follow one another together, up to the size of a split", async () => {
    const sizes = [300, 300, 300, 300, 2000, 10, 990, 1000, 0, 1].map((size) => size * 1024);
    const splits = await planSplits(lines(1024 * 1024), listing(sizes));
    const names = splits.map((split) =>
      split.kind === "files"
        ? split.files.map((file) => file.path)
        : split.kind === "bytes" && `${split.file.path} from ${split.start}`,
    );
    expect(names).toEqual([
      ["/d/0", "/d/1", "/d/2"],
      "/d/3 from 0",
      "/d/4 from 0",
      "/d/4 from 1024000",
      ["/d/5", "/d/6"],
      ["/d/7", "/d/9"],
    ]);
  });

  test("put fewer compressed files together, as there is more in them", async () => {
    const inputs: Inputs = {
      ...listing([]),
      list: async () =>
        Array.from({ length: 8 }, (_, at) => ({ path: `/d/${at}.gz`, sizeBytes: 64 * 1024, mtimeMs: 0 })),
    };
    const splits = await planSplits(lines(1024 * 1024), inputs);
    expect(splits.map((split) => split.kind === "files" && split.files.length)).toEqual([2, 2, 2, 2]);
  });

  test("put whole files that are records together only where there are thousands", async () => {
    expect(await planSplits(files("text"), listing(Array(4096).fill(10)))).toHaveLength(4096);
    expect((await planSplits(files("text"), listing(Array(4097).fill(10)))).length).toBeLessThan(10);
  });

  test("keep thousands of files in order", async () => {
    const shared = await planSplits(lines(), listing([...Array(5000).fill(10), 3 * MIB, 10, 10]));
    expect(shared.length).toBeLessThan(20);
    const inOrder = shared.flatMap((split) =>
      split.kind === "files" ? split.files : split.kind === "bytes" ? [split.file] : [],
    );
    expect([...new Set(inOrder.map((file) => file.path))]).toEqual(
      Array.from({ length: 5003 }, (_, at) => `/d/${at}`),
    );
  });

  test("that share a task give all their records in order", async () => {
    const names = Array.from({ length: 4200 }, (_, index) => `/d/${String(index).padStart(4, "0")}`);
    const inputs = createMemoryInputs(names.map((name) => [name, `${name}\n`]));
    const read = await readSource(lines(), inputs);
    expect(read.length).toBeLessThan(10);
    expect(read.flatMap((split) => split.rows)).toEqual(names);
    expect(read.reduce((sum, split) => sum + split.bytesIn, 0)).toBe(4200 * 8);
  });

  test("are refused where they would be too many to keep", async () => {
    await expect(planSplits(lines(1), listing([100_001]))).rejects.toMatchObject({ code: "JOB_INVALID" });
    await expect(planSplits(lines(1), listing(Array(1001).fill(100)))).rejects.toMatchObject({
      code: "JOB_INVALID",
    });
  });

  test("of large CSV files give others a turn while they are planned", async () => {
    const csv: SourceFormat = {
      ...(lines() as Extract<SourceFormat, { format: "lines" }>),
      format: "csv",
      csv: { header: true, delimiter: ",", quote: '"', types: {} },
    };
    const sizeBytes = 208 * MIB;
    const inputs: Inputs = {
      ...listing([sizeBytes]),
      open: async () => ({
        bytes: sizeBytes,
        readAt: (_, target) => {
          target.fill(0x0a);
          return target.length;
        },
        close: () => {},
      }),
    };
    let turns = 0;
    const splits = await planSplits(csv, inputs, async () => {
      turns += 1;
    });
    expect(turns).toBe(3);
    expect(splits).toHaveLength(24);
    await expect(planSplits(csv, inputs, () => Promise.reject(new Error("called off")))).rejects.toThrow(
      "called off",
    );
  });
});

describe("splits of items", () => {
  const range = (start: number, end: number, step: number, partitions?: number): SourceFormat => ({
    format: "range",
    start,
    end,
    step,
    partitions,
  });
  const rowsOf = async (source: SourceFormat) =>
    (await readSource(source, createMemoryInputs())).flatMap((split) => split.rows);

  test("are as many as asked for, but never empty", async () => {
    const count = async (source: SourceFormat) => (await planSplits(source, createMemoryInputs())).length;
    expect(await count(range(0, 1000, 1))).toBe(64);
    expect(await count(range(0, 10, 1))).toBe(10);
    expect(await count(range(0, 1000, 1, 7))).toBe(7);
    expect(await count(range(0, 3, 1, 7))).toBe(3);
    expect(await count(range(5, 5, 1))).toBe(0);
    expect(await count({ format: "of", values: [], partitions: undefined })).toBe(0);
  });

  test("reach their end exactly", async () => {
    expect(await rowsOf(range(10, 0, -3))).toEqual([10, 7, 4, 1]);
    expect(await rowsOf(range(0, -1, 1))).toEqual([]);
    expect(await rowsOf(range(1, 1.3, 0.1))).toEqual([1, 1.1, 1.2]);
    const last = await planSplits(range(0, Number.MAX_SAFE_INTEGER, 1, 3), createMemoryInputs());
    expect(rangesOf(last).at(-1)).toEqual([6004799503160661, Number.MAX_SAFE_INTEGER]);
  });

  test("are refused for a range without an end", async () => {
    for (const source of [range(0, Number.POSITIVE_INFINITY, 1), range(0, 1, 0), range(0, Number.NaN, 1)]) {
      await expect(planSplits(source, createMemoryInputs())).rejects.toMatchObject({ code: "JOB_INVALID" });
    }
  });

  test("hold values as they are", async () => {
    const value = Object.create(null);
    const [row] = await rowsOf({ format: "of", values: [value], partitions: undefined });
    expect(row).toBe(value);
  });
});

describe("whole files", () => {
  const inputs = createMemoryInputs([
    ["/d/a", "\ufeffé\n"],
    ["/d/b.gz", gzipSync("packed")],
    ["/d/c", ""],
    ["/d/d", Buffer.from([0xff, 0])],
  ]);

  test("are records of their path and content, empty ones too", async () => {
    const text = (await readSource(files("text"), inputs)).map((split) => split.rows);
    expect(text).toEqual([
      [{ path: "/d/a", content: "é\n" }],
      [{ path: "/d/b.gz", content: "packed" }],
      [{ path: "/d/c", content: "" }],
      [{ path: "/d/d", content: "\ufffd\0" }],
    ]);
    const bytes = (await readSource(files("bytes"), inputs)).flatMap((split) => split.rows) as {
      content: Uint8Array;
    }[];
    expect(bytes.map((row) => [...row.content])).toEqual([
      [0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0x0a],
      [...Buffer.from("packed")],
      [],
      [0xff, 0],
    ]);
    // Not a `Buffer`, which would come out of a codec as something else than it went in.
    expect(bytes.every((row) => Object.getPrototypeOf(row.content) === Uint8Array.prototype)).toBe(true);
  });

  test("are refused above the greatest length, which is named", async () => {
    expect(await readSource(files("text", 6), inputs)).toHaveLength(4);
    await expect(readSource(files("text", 5), inputs)).rejects.toMatchObject({
      code: "RECORD_TOO_LONG",
      details: { file: "/d/a" },
    });
    const bomb = createMemoryInputs([["/d/bomb.gz", gzipSync(Buffer.alloc(50 * MIB))]]);
    await expect(readSource(files("bytes"), bomb)).rejects.toMatchObject({ code: "RECORD_TOO_LONG" });
  });
});
