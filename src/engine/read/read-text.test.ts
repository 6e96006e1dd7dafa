import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { BicoastalError } from "../../base/errors.ts";
import type { SourceFormat } from "../../plan/node.ts";
import type { Inputs } from "../../ports/inputs.ts";
import { createMemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";
import { JSON_DEPTH_MAX } from "./jsonl.ts";
import { openSource } from "./open-source.ts";
import { planSplits } from "./plan-splits.ts";

type Content = string | Uint8Array;

const source = (
  format: "lines" | "jsonl",
  options: Partial<Extract<SourceFormat, { format: "lines" }>> = {},
) => ({
  paths: ["/f"],
  splitBytes: undefined,
  recordBytesMax: 1 << 24,
  ...options,
  format,
});
const rowsOf = async (from: SourceFormat, content: Content) =>
  (await readSource(from, createMemoryInputs([["/f", content]]))).flatMap((split) => split.rows);
const failureOf = (from: SourceFormat, content: Content): Promise<BicoastalError> =>
  rowsOf(from, content).then(
    (rows) => Promise.reject(new Error(`read ${rows.length} rows without an error`)),
    (error) => error,
  );

describe("lines", () => {
  test.each<[string, Content, string[]]>([
    ["an empty file", "", []],
    ["one line end", "\n", [""]],
    ["no final line end", "a\nb", ["a", "b"]],
    ["a final line end", "a\nb\n", ["a", "b"]],
    ["empty lines", "\n\na\n\n", ["", "", "a", ""]],
    ["CRLF and LF mixed", "a\r\nb\nc\r\n", ["a", "b", "c"]],
    ["a lone carriage return", "a\rb\n\r\nc\r", ["a\rb", "", "c\r"]],
    ["a byte order mark", "\ufeffa\n\ufeffb\n", ["a", "\ufeffb"]],
    ["only a byte order mark", "\ufeff", []],
    ["a byte order mark before a line end", "\ufeff\n", [""]],
    ["NUL bytes", "a\0b\n\0\n", ["a\0b", "\0"]],
    ["what looks like line ends", "a\u2028b\u0085c\vd\n", ["a\u2028b\u0085c\vd"]],
    [
      "bytes that are not UTF-8",
      Buffer.from([0x61, 0xff, 0x0a, 0xe2, 0x82, 0x0a, 0x62]),
      ["a\ufffd", "\ufffd", "b"],
    ],
  ])("of %s", async (_, content, expected) => {
    expect(await rowsOf(source("lines"), content)).toEqual(expected);
    for (const splitBytes of [1, 2, 3]) {
      expect(await rowsOf(source("lines", { splitBytes }), content)).toEqual(expected);
    }
  });

  test("a task gets the lines that begin in its split", async () => {
    const read = await readSource(
      source("lines", { splitBytes: 4 }),
      createMemoryInputs([["/f", "abc\ndefghijklm\nn\n"]]),
    );
    expect(read.map((split) => split.rows)).toEqual([["abc"], ["defghijklm"], [], [], ["n"]]);
    expect(read.map((split) => split.bytesIn)).toEqual([4, 11, 0, 0, 2]);
  });

  test("a line much longer than a chunk arrives whole, and its neighbours too", async () => {
    const long = "é".repeat(3_000_000);
    expect(await rowsOf(source("lines"), `a\n${long}\nb\n`)).toEqual(["a", long, "b"]);
  });

  test.each([
    ["in the middle of a chunk", "ok\n12345678901\nok\n", 2, 3],
    ["at the end, without a line end", "ok\nok\n12345678901", 3, 6],
    ["far longer than a chunk", `ok\n${"x".repeat(1_000_000)}\n`, 2, 3],
  ])("refuses a line that is too long %s", async (_, content, line, byteOffset) => {
    for (const splitBytes of [undefined, Math.ceil(content.length / 3)]) {
      const error = await failureOf(source("lines", { recordBytesMax: 10, splitBytes }), content);
      expect(error.code).toBe("RECORD_TOO_LONG");
      expect(error.message).toContain(`/f:${line}: the record has more than recordBytesMax = 10 bytes`);
      expect(error.message).toContain("raise the source's recordBytesMax");
      expect(error.details).toMatchObject({ file: "/f", line, byteOffset });
    }
  });

  test("takes a line of just the greatest length", async () => {
    const content = "1234567890\r\n1234567890\n1234567890";
    for (const splitBytes of [undefined, 5]) {
      const rows = await rowsOf(source("lines", { recordBytesMax: 10, splitBytes }), content);
      expect(rows).toEqual(Array(3).fill("1234567890"));
    }
  });

  test("refuses an endless line with little memory", async () => {
    const sizeBytes = 2 ** 30;
    let readBytes = 0;
    const endless: Inputs = {
      openGzip: () => Promise.reject(new Error("not compressed")),
      list: async () => [{ path: "/f", sizeBytes, mtimeMs: 1 }],
      open: async () => ({
        bytes: sizeBytes,
        readAt: (_, target) => {
          readBytes += target.length;
          target.fill(0x61);
          return target.length;
        },
        close: () => {},
      }),
    };
    await expect(readSource(source("lines", { splitBytes: sizeBytes }), endless)).rejects.toMatchObject({
      code: "RECORD_TOO_LONG",
      details: { byteOffset: 0 },
    });
    expect(readBytes).toBeLessThan(3 * 2 ** 24);
  });

  test("knows where each row came from", async () => {
    const content = "\ufeffone\r\nzwei é\nthree\n";
    for (const [path, bytes] of [
      ["/f", content],
      ["/f.gz", gzipSync(content)],
    ] as const) {
      const inputs = createMemoryInputs([[path, bytes]]);
      const from = source("lines", { paths: [path] });
      const [split] = await planSplits(from, inputs);
      const input = await openSource(from, split!, inputs, { chunkBytes: 9 });
      const places = [];
      for (let batch = await input.next(); batch !== undefined; batch = await input.next()) {
        for (let index = 0; index < batch.count; index++) places.push(await batch.place?.(index));
      }
      input.close();
      expect(places).toEqual([
        { file: path, line: 1, byteOffset: 3, excerpt: "one" },
        { file: path, line: 2, byteOffset: 8, excerpt: "zwei é" },
        { file: path, line: 3, byteOffset: 16, excerpt: "three" },
      ]);
    }
  });

  test("cuts the excerpt of a long row, not in the middle of a character", async () => {
    const inputs = createMemoryInputs([["/f", `${"x".repeat(199)}😀${"y".repeat(1000)}\n`]]);
    const [split] = await planSplits(source("lines"), inputs);
    const input = await openSource(source("lines"), split!, inputs);
    const batch = await input.next();
    expect((await batch?.place?.(0))?.excerpt).toBe(`${"x".repeat(199)}…`);
    input.close();
  });

  test("refuses a file that changed after its splits were planned", async () => {
    const inputs = createMemoryInputs([["/f", "abc\ndef\n"]]);
    const [split] = await planSplits(source("lines"), inputs);
    inputs.write("/f", "abc\ndeg\n");
    await expect(openSource(source("lines"), split!, inputs)).rejects.toMatchObject({
      code: "INPUT_CHANGED",
    });
  });

  test("gives the rows before the damage in a gzip file, then its error", async () => {
    const packed = gzipSync("a line that repeats\n".repeat(50_000));
    const inputs = createMemoryInputs([["/f.gz", packed.subarray(0, packed.length - 4)]]);
    const reading = readSource(source("lines", { paths: ["/f.gz"] }), inputs);
    await expect(reading).rejects.toMatchObject({ code: "INPUT_CORRUPT", details: { file: "/f.gz" } });
  });
});

describe("jsonl", () => {
  test("gives the value of each line, and skips blank ones", async () => {
    const content = '{"a":1}\n\n[2]\r\n \t\n"three"\n4\nnull\n\r\nfalse';
    expect(await rowsOf(source("jsonl"), content)).toEqual([{ a: 1 }, [2], "three", 4, null, false]);
  });

  test.each([
    ["cut short", '{"a":1}\n\n{"a":\n', 3, 9, '{"a":'],
    ["two values", "1\n1 2\n", 2, 2, "1 2"],
    ["not JSON at all", "\ufeffhello\n", 1, 3, "hello"],
    ["a byte order mark in the middle", "1\n\ufeff2\n", 2, 2, "\ufeff2"],
    ["another kind of blank", "1\n\u00a0\n", 2, 2, "\u00a0"],
  ])("refuses a line that is %s", async (_, content, line, byteOffset, excerpt) => {
    for (const splitBytes of [undefined, 3]) {
      const error = await failureOf(source("jsonl", { splitBytes }), content);
      expect(error.code).toBe("RECORD_INVALID");
      expect(error.message).toContain(`/f:${line}: the line is not one JSON value`);
      expect(error.details).toEqual({ file: "/f", line, byteOffset, excerpt });
    }
  });

  test("names the line of the decompressed text for gzip files", async () => {
    const inputs = createMemoryInputs([["/f.gz", gzipSync(`${'{"a":1}\n'.repeat(20_000)}oops\n`)]]);
    const reading = readSource(source("jsonl", { paths: ["/f.gz"] }), inputs);
    await expect(reading).rejects.toMatchObject({
      details: { file: "/f.gz", line: 20_001, byteOffset: 160_000 },
    });
  });

  test("keeps dangerous names as ordinary fields", async () => {
    const line = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    const [row] = (await rowsOf(source("jsonl"), line)) as [object];
    expect(Object.keys(row)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
  });

  test("refuses what is nested too deep for anything that walks it", async () => {
    const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
    expect(await rowsOf(source("jsonl"), nested(JSON_DEPTH_MAX))).toHaveLength(1);
    const objects = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
    for (const line of [nested(JSON_DEPTH_MAX + 1), nested(100_000), objects]) {
      const error = await failureOf(source("jsonl"), `1\n${line}\n`);
      expect(error.code).toBe("RECORD_INVALID");
      expect(error.message).toContain(
        `/f:2: the JSON value is nested more than ${JSON_DEPTH_MAX} levels deep`,
      );
    }
  });

  test("does not take brackets in strings, or many side by side, for nesting", async () => {
    const text = JSON.stringify('["{'.repeat(5000));
    const flat = JSON.stringify(Array(5000).fill([]));
    expect(await rowsOf(source("jsonl"), `${text}\n${flat}\n`)).toEqual([JSON.parse(text), JSON.parse(flat)]);
  });
});
