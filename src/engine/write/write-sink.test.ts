import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { epoch, jobId, stageId } from "../../base/ids.ts";
import type { WriteEnd } from "../../plan/node.ts";
import { MemoryOutputs } from "../../sim/ports/memory-outputs.ts";
import { WriteSink } from "./write-sink.ts";

const input = { kind: "source", source: { format: "of", values: [], partitions: undefined } } as const;
const target = { job: jobId("job"), endIndex: 0, directory: "/out", overwrite: false };

async function written(change: Partial<WriteEnd>, rows: readonly unknown[], partition = 3) {
  const outputs = new MemoryOutputs();
  const end: WriteEnd = {
    kind: "write",
    input,
    format: "jsonl",
    directory: "/out",
    overwrite: false,
    columns: undefined,
    gzip: false,
    ...change,
  };
  const attempt = { stage: stageId(1), partition, epoch: epoch(2), attempt: 4 };
  const gzip = (bytes: Uint8Array) => gzipSync(bytes);
  const sink = new WriteSink({ end, target, attempt, sinkIndex: 5, outputs, gzip });
  for (const row of rows) sink.push(row);
  sink.finish();
  const file = await sink.close();
  if (file === undefined) return { file, bytes: undefined, text: undefined };
  await outputs.commit(target, [{ staged: file.staged, name: "part", bytes: file.bytes }]);
  const bytes = outputs.directories.get("/out")!.files.get("part")!;
  return { file, bytes, text: Buffer.from(end.gzip ? gunzipSync(bytes) : bytes).toString() };
}

describe("a write end", () => {
  it("names its file after the attempt and tells bytes and rows", async () => {
    const { file, text } = await written({}, [{ a: 1 }, "é"]);
    expect(file).toEqual({ endIndex: 0, sink: 5, staged: "s1.p00003.e2.a4.k5.jsonl", bytes: 13, rows: 2 });
    expect(text).toBe('{"a":1}\n"é"\n');
    expect((await written({ format: "csv", gzip: true }, [{ a: 1 }])).file?.staged).toMatch(/\.k5\.csv\.gz$/);
  });

  it("makes no file for an empty partition but the first", async () => {
    expect((await written({}, [])).file).toBeUndefined();
    expect(await written({}, [], 0)).toMatchObject({ text: "", file: { rows: 0, bytes: 0 } });
    expect((await written({ gzip: true }, [], 0)).text).toBe("");
    expect((await written({ format: "csv", columns: ["a", "b"] }, [], 0)).text).toBe("a,b\n");
  });

  it("writes large and many records whole, plain and gzipped, the same bytes each time", async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i}-${"ü".repeat(i % 700)}`);
    rows.push("x".repeat(3_000_000));
    const expected = `${rows.join("\n")}\n`;
    expect((await written({ format: "text" }, rows)).text).toBe(expected);
    const zipped = await written({ format: "text", gzip: true }, rows);
    expect(zipped.text).toBe(expected);
    expect((await written({ format: "text", gzip: true }, rows)).bytes).toEqual(zipped.bytes);
  });

  it("writes text and what has an obvious text, nothing else", async () => {
    expect((await written({ format: "text" }, ["a", 1, true, 2n])).text).toBe("a\n1\ntrue\n2\n");
    for (const row of [null, undefined, {}, [1]]) {
      await expect(written({ format: "text" }, [row])).rejects.toMatchObject({ code: "VALUE_UNENCODABLE" });
    }
  });
});

describe("csv", () => {
  const csv = async (rows: readonly unknown[], columns?: readonly string[]) =>
    (await written({ format: "csv", columns }, rows)).text;

  it("takes the header from the first record, in its order, and leaves missing fields empty", async () => {
    expect(await csv([{ b: 1, a: "x" }, { a: "y", b: null }, { a: "z" }])).toBe("b,a\n1,x\n,y\n,z\n");
  });

  it("refuses a later record with another field, and names both", async () => {
    await expect(csv([{ a: 1 }, { a: 2, extra: 3 }])).rejects.toMatchObject({
      code: "VALUE_UNENCODABLE",
      message: expect.stringMatching(/"extra".*`columns`/),
    });
  });

  it("writes the columns asked for and leaves others out", async () => {
    expect(await csv([{ a: 1, b: 2 }, { c: 3 }], ["c", "a"])).toBe("c,a\n,1\n3,\n");
    expect(await csv([["x", 1]], ["word", "n"])).toBe("word,n\nx,1\n");
    await expect(csv([["x"]], ["word", "n"])).rejects.toThrow(
      "a list of 1 values where the option `columns` names 2",
    );
  });

  it("writes lists without a header, all of one length", async () => {
    expect(
      await csv([
        ["a", 1],
        ["b", 2],
      ]),
    ).toBe("a,1\nb,2\n");
    await expect(csv([["a", 1], ["b"]])).rejects.toThrow("first record of the file had 2");
    await expect(csv([["a"], { a: 1 }])).rejects.toThrow("an object after lists");
    await expect(csv([{ a: 1 }, ["a"]])).rejects.toThrow("a list after objects");
  });

  it("knows fields by their own names only", async () => {
    expect(await csv([{ a: 1 }], ["constructor", "a", "__proto__"])).toBe("constructor,a,__proto__\n,1,\n");
    const odd = JSON.parse('{"__proto__":"own"}');
    expect(await csv([odd])).toBe("__proto__\nown\n");
  });

  it.each([
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [{ k: [1, "a"] }, '"{""k"":[1,""a""]}"'],
    [new Set([1]), "[1]"],
    [10n, "10"],
    [Number.NaN, "NaN"],
    [false, "false"],
    ["", '""'],
    [null, '""'],
  ])("writes the field %o as %s", async (value, text) => {
    expect(await csv([[value]])).toBe(`${text}\n`);
  });

  it("refuses records and fields without a form in it", async () => {
    for (const row of ["text", 5, null, undefined, new Map(), Uint8Array.of(1), [() => 1], [Symbol("s")]]) {
      await expect(csv([row])).rejects.toMatchObject({ code: "VALUE_UNENCODABLE" });
    }
  });

  it("refuses dates and promises as records, which would be lines without a value", async () => {
    for (const row of [new Date(0), Promise.resolve({ a: 1 })]) {
      await expect(csv([{ a: 1 }, row])).rejects.toMatchObject({ code: "VALUE_UNENCODABLE" });
      await expect(csv([row], ["a"])).rejects.toMatchObject({ code: "VALUE_UNENCODABLE" });
    }
  });
});
