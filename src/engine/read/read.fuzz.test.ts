import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CsvOptions, FieldTypes, SourceFormat } from "../../plan/node.ts";
import { MemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";

const RUNS = 400;

/** Bytes that readers stumble over, and any others. */
const byteText = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom("\n", "\r\n", "\r", "", ",", '"', '""', "a", "bc", " ", "\t", "\0"),
      },
      { weight: 2, arbitrary: fc.constantFrom("é", "€", "😀", "\ufeff", "\u2028", "ÿ") },
      { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join("")));
const anyBytes = fc.oneof(
  { weight: 3, arbitrary: byteText },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.oneof(fc.constantFrom(0x0a, 0x0d, 0xef, 0xbb, 0xbf, 0xe2, 0x82, 0xf0), fc.nat(255)), {
        maxLength: 60,
      })
      .map((bytes) => Buffer.from(bytes)),
  },
);
const withBom = (bytes: fc.Arbitrary<Buffer>) =>
  fc.tuple(fc.boolean(), bytes).map(([bom, rest]) => Buffer.concat([Buffer.from(bom ? "\ufeff" : ""), rest]));

const cutting = fc.record({
  splitBytes: fc.integer({ min: 1, max: 80 }),
  chunkBytes: fc.integer({ min: 1, max: 40 }),
});

/** The naive way: the whole file as text, without its byte order mark. */
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const linesOf = (text: string) => {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
};

const fileOptions = { paths: ["/f"], splitBytes: undefined, recordBytesMax: 1 << 20 };

async function rowsOf(
  source: SourceFormat,
  bytes: Uint8Array,
  cut: { splitBytes: number; chunkBytes: number },
) {
  const inputs = new MemoryInputs();
  inputs.write("/f", bytes);
  const read = await readSource({ ...source, splitBytes: cut.splitBytes } as SourceFormat, inputs, cut);
  return {
    rows: read.flatMap((split) => split.rows),
    bytesIn: read.reduce((sum, split) => sum + split.bytesIn, 0),
  };
}

async function rowsOfGzip(source: SourceFormat, bytes: Uint8Array) {
  const inputs = new MemoryInputs();
  inputs.write("/f.gz", gzipSync(bytes));
  const read = await readSource({ ...source, paths: ["/f.gz"] } as SourceFormat, inputs);
  return read.flatMap((split) => split.rows);
}

describe("every record is read once, wherever files and chunks are cut", () => {
  test("lines", async () => {
    const source: SourceFormat = { format: "lines", ...fileOptions };
    await fc.assert(
      fc.asyncProperty(withBom(anyBytes), cutting, async (bytes, cut) => {
        const expected = linesOf(decode(bytes));
        const { rows, bytesIn } = await rowsOf(source, bytes, cut);
        expect(rows).toEqual(expected);
        expect(bytesIn).toBe(bytes.length);
        expect(await rowsOfGzip(source, bytes)).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  test("jsonl", async () => {
    const source: SourceFormat = { format: "jsonl", ...fileOptions };
    const value = fc.jsonValue({ depthSize: "small", stringUnit: "binary" });
    const line = fc.oneof(
      { weight: 5, arbitrary: value.map((json) => JSON.stringify(json)) },
      { weight: 1, arbitrary: fc.constantFrom("", " ", "\t \r", ' {"__proto__": 1} ') },
    );
    const document = fc
      .tuple(fc.array(fc.tuple(line, fc.constantFrom("\n", "\r\n"))), fc.boolean())
      .map(([lines, ends]) =>
        lines.map(([text, end], at) => text + (ends || at < lines.length - 1 ? end : "")).join(""),
      );
    await fc.assert(
      fc.asyncProperty(withBom(document.map((text) => Buffer.from(text))), cutting, async (bytes, cut) => {
        const expected = linesOf(decode(bytes))
          .filter((text) => text.trim() !== "")
          .map((text) => JSON.parse(text));
        expect((await rowsOf(source, bytes, cut)).rows).toEqual(expected);
        expect(await rowsOfGzip(source, bytes)).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  const csv = (options: Partial<CsvOptions>): SourceFormat => ({
    format: "csv",
    csv: { header: true, delimiter: ",", quote: '"', types: {}, ...options },
    ...fileOptions,
  });

  test("csv as written", async () => {
    const cell = fc
      .array(fc.constantFrom("a", "1", ",", '"', "\n", "\r\n", "é", "😀", " ", ";", "\r"), { maxLength: 5 })
      .map((parts) => parts.join(""));
    const table = fc
      .integer({ min: 1, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 12 }),
      );
    const style = fc.record({
      always: fc.boolean(),
      end: fc.constantFrom("\n", "\r\n"),
      last: fc.boolean(),
      blank: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        table,
        style,
        cutting,
        fc.boolean(),
        async (records, { always, end, last, blank }, cut, named) => {
          const [first] = records as [string[]];
          const names = first.map((name, at) => name + at);
          const all = named ? [names, ...records] : records;
          const text = all
            .map((fields) => fields.map((field) => write(field, always || fields.length === 1)).join(","))
            .join(blank ? end + end : end);
          const bytes = Buffer.from(`${blank ? end : ""}${text}${last ? end : ""}`);
          const expected = named
            ? records.map((fields) => Object.fromEntries(fields.map((field, at) => [names[at], field])))
            : records;
          const source = csv({ header: named });
          expect((await rowsOf(source, bytes, cut)).rows).toEqual(expected);
          expect(await rowsOfGzip(source, bytes)).toEqual(expected);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test("csv of any text: the same records as a naive parser, or an error where that has one", async () => {
    const width = fc.constantFrom<Partial<CsvOptions>>(
      { header: false },
      { header: ["x"] },
      { header: true },
      { header: false, delimiter: "b" },
    );
    await fc.assert(
      fc.asyncProperty(withBom(byteText), width, cutting, async (bytes, options, cut) => {
        const expected = naiveTable(decode(bytes), options);
        const found = await rowsOf(csv(options), bytes, cut).catch((error) => error.code);
        if (expected === undefined) expect(found).toBe("RECORD_INVALID");
        else expect(found.rows).toEqual(expected);
      }),
      { numRuns: 4 * RUNS },
    );
  });

  test("csv of declared fields: what a naive parser and conversion give, or an error where they have one", async () => {
    const names = ["id", "text", "left", "yes", "json", "__proto__"];
    const cell = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom("1", "-2.5", "0", "-0", "12345678901234567", "1e3", "+7", ".5", "5."),
      },
      { weight: 1, arbitrary: fc.constantFrom("-", ".", "1.2.3", "1e", "0x1", "NaN", "1e999", " 1", "1\r") },
      { weight: 2, arbitrary: fc.constantFrom("true", "FALSE", "1", "yes") },
      {
        weight: 2,
        arbitrary: fc.constantFrom("", "a", "é€😀", 'say "hi"', "a,b", "x\ny", "\r", "[1]", '{"a":"b"}', "["),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    );
    const usual: readonly fc.Arbitrary<string>[] = [
      fc.constantFrom("1", "20.25", "-3"),
      fc.constantFrom("a", "b c", "é", 'a "b"', "12345678901234567890"),
      fc.constantFrom("left", "", "out"),
      fc.constantFrom("true", "0", ""),
      fc.constantFrom("[1,2]", "null", "", '{"a":1}'),
      fc.constantFrom("7", ""),
    ];
    const record = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(...usual) },
      { weight: 1, arbitrary: fc.array(cell, { minLength: 6, maxLength: 6 }) },
      { weight: 1, arbitrary: fc.array(cell, { minLength: 1, maxLength: 7 }) },
    );
    const always = fc.constantFrom(false, false, true);
    const lines = fc.array(fc.tuple(record, always, fc.constantFrom("\n", "\n", "\r\n", "\n\n")), {
      maxLength: 8,
    });
    const types = fc.constantFrom<FieldTypes>(
      Object.fromEntries([
        ["text", "string"],
        ["id", "number"],
      ]),
      Object.fromEntries([
        ["__proto__", "number?"],
        ["missing", "json?"],
        ["yes", "boolean?"],
        ["json", "json?"],
        ["text", "string?"],
      ]),
      Object.fromEntries([["left", "string"]]),
      Object.fromEntries([["__proto__", "string"]]),
      Object.fromEntries([["yes", "boolean"]]),
      Object.fromEntries([["json", "json"]]),
    );
    const dialect = fc.constantFrom(
      [",", '"'],
      [",", '"'],
      [";", "'"],
      ["\t", ""],
      ["1", '"'],
      ["§", '"'],
      [",", "-"],
    );
    await fc.assert(
      fc.asyncProperty(
        lines,
        types,
        dialect,
        fc.boolean(),
        cutting,
        async (parts, fields, [delimiter, quote], ends, cut) => {
          const field = (value: string, always: boolean) =>
            quote === "" ? value : write(value, always, delimiter as string, quote as string);
          const text = [[names, false, "\n"] as const, ...parts]
            .map(([values, quoted, end]) => values.map((value) => field(value, quoted)).join(delimiter) + end)
            .join("");
          const bytes = Buffer.from(ends ? text : text.trimEnd());
          const source = csv({ delimiter: delimiter as string, quote: quote as string, fields });
          const expected = naiveFields(
            naiveTable(decode(bytes), { delimiter: delimiter as string, quote: quote as string }),
            fields,
          );
          for (const some of [cut, { splitBytes: 1 << 20, chunkBytes: 1 << 16 }]) {
            const found = await rowsOf(source, bytes, some).then(
              ({ rows }) => rows.map((row) => Object.entries(row as object)),
              (error) => error.code,
            );
            expect(found).toEqual(expected ?? "RECORD_INVALID");
          }
        },
      ),
      { numRuns: 5 * RUNS },
    );
  });

  test("csv without quotes", async () => {
    await fc.assert(
      fc.asyncProperty(byteText, cutting, async (bytes, cut) => {
        const expected = linesOf(decode(bytes))
          .filter((line) => line !== "")
          .map((line) => line.split(","));
        expect((await rowsOf(csv({ header: false, quote: "" }), bytes, cut)).rows).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  test("range and of", async () => {
    const whole = fc.integer({ min: -50, max: 50 });
    const partitions = fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        whole,
        whole,
        whole.filter((step) => step !== 0),
        partitions,
        async (start, end, step, wanted) => {
          const expected: number[] = [];
          for (let item = start; step > 0 ? item < end : item > end; item += step) expected.push(item);
          for (const source of [
            { format: "range", start, end, step, partitions: wanted },
            { format: "of", values: expected, partitions: wanted },
          ] as const) {
            const read = await readSource(source, new MemoryInputs());
            expect(read.flatMap((split) => split.rows)).toEqual(expected);
            expect(read.length).toBe(Math.min(expected.length, wanted ?? 64));
            const sizes = read.map((split) => split.rows.length);
            expect(Math.max(0, ...sizes) - Math.min(...sizes, Infinity)).toBeLessThanOrEqual(1);
          }
        },
      ),
      { numRuns: RUNS },
    );
  });
});

function write(field: string, always: boolean, delimiter = ",", quote = '"'): string {
  // A lone carriage return at a line's end would become part of the line end.
  const isPlain = !always && ![quote, delimiter, "\r", "\n"].some((part) => field.includes(part));
  return isPlain ? field : quote + field.replaceAll(quote, quote + quote) + quote;
}

/** Rows as entries; undefined: a field has no value of its type. */
function naiveFields(rows: readonly unknown[] | undefined, fields: FieldTypes): unknown[] | undefined {
  const found: [string, unknown][][] = [];
  for (const row of rows ?? []) {
    const has = new Map(Object.entries(row as Record<string, string>));
    const picked: [string, unknown][] = [];
    for (const [name, type] of Object.entries(fields)) {
      const text = has.get(name) ?? "";
      const value = text === "" && type.endsWith("?") ? null : naiveValue(text, type);
      if (value === undefined) return undefined;
      picked.push([name, value]);
    }
    found.push(picked);
  }
  return rows === undefined ? undefined : found;
}

function naiveValue(text: string, type: string): unknown {
  if (type.startsWith("string")) return text;
  if (type.startsWith("boolean"))
    return { true: true, "1": true, false: false, "0": false }[text.toLowerCase()];
  if (type.startsWith("number")) {
    const isDecimal = /\d/.test(text) && /^[-+]?\d*\.?\d*(e[-+]?\d+)?$/i.test(text);
    return isDecimal && Number.isFinite(Number(text)) ? Number(text) : undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Records as objects or arrays; undefined: something is wrong. A machine that looks at one character at a time. */
function naiveTable(text: string, options: Partial<CsvOptions>): unknown[] | undefined {
  const records = naiveCsv(text, options.delimiter ?? ",", options.quote ?? '"');
  if (records === undefined || options.header === false) return records;
  const names = Array.isArray(options.header) ? (options.header as readonly string[]) : records.shift();
  if (names === undefined) return [];
  if (new Set(names).size < names.length) return undefined;
  if (records.some((record) => record.length !== names.length)) return undefined;
  return records.map((record) => Object.fromEntries(record.map((field, at) => [names[at], field])));
}

function naiveCsv(text: string, delimiter: string, quote: string): string[][] | undefined {
  const records: string[][] = [];
  let record: string[] = [];
  let field = "";
  let state: "start" | "plain" | "quoted" | "closed" = "start";
  const endField = () => {
    record.push(field);
    field = "";
    state = "start";
  };
  const endRecord = () => {
    const isEmpty = record.length === 0 && state === "start";
    endField();
    if (!isEmpty) records.push(record);
    record = [];
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    const endsLine = char === "\n" || (char === "\r" && text[at + 1] === "\n");
    if (state === "quoted") {
      if (char !== quote) field += char;
      else if (text[at + 1] === quote) {
        field += quote;
        at += 1;
      } else state = "closed";
    } else if (endsLine) {
      if (char === "\r") at += 1;
      endRecord();
    } else if (char === delimiter) {
      endField();
    } else if (state === "closed") {
      return undefined;
    } else if (char === quote) {
      if (state === "plain") return undefined;
      state = "quoted";
    } else {
      field += char;
      state = "plain";
    }
  }
  if (state === "quoted") return undefined;
  if (record.length > 0 || state !== "start") endRecord();
  return records;
}
