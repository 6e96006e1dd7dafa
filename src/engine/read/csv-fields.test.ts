import { describe, expect, test } from "vitest";
import type { BicoastalError } from "../../base/errors.ts";
import type { CsvOptions, FieldTypes, SourceFormat } from "../../plan/node.ts";
import { createMemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";

const source = (options: Partial<CsvOptions>, splitBytes?: number): SourceFormat => ({
  format: "csv",
  csv: { header: true, delimiter: ",", quote: '"', types: {}, ...options },
  paths: ["/d"],
  splitBytes,
  recordBytesMax: 1 << 20,
});
const rowsOf = async (content: string, options: Partial<CsvOptions>, splitBytes?: number) =>
  (await readSource(source(options, splitBytes), createMemoryInputs([["/d/f.csv", content]]))).flatMap(
    ({ rows }) => rows,
  );
const failureOf = (content: string, options: Partial<CsvOptions>): Promise<BicoastalError> =>
  rowsOf(content, options).then(
    (rows) => Promise.reject(new Error(`read ${rows.length} rows without an error`)),
    (error) => error,
  );

describe("declared fields of CSV", () => {
  test("come in the order of the schema, and no others, wherever files are cut", async () => {
    const content = 'a,b,c,d,e\n1,"x\ny",,true,2\n\n3,é,"[""q""]",0,-4.5\r\n';
    const fields: FieldTypes = { d: "boolean", c: "json?", e: "number", b: "string" };
    for (const splitBytes of [undefined, 1, 3, 11]) {
      const rows = await rowsOf(content, { fields }, splitBytes);
      expect(rows.map((row) => JSON.stringify(row))).toEqual([
        '{"d":true,"c":null,"e":2,"b":"x\\ny"}',
        '{"d":false,"c":["q"],"e":-4.5,"b":"é"}',
      ]);
    }
  });

  test("may be columns that the file does not have, where the schema says so", async () => {
    const fields: FieldTypes = { b: "number", z: "string?" };
    expect(await rowsOf("a,b\n1,2\n", { fields })).toEqual([{ b: 2, z: null }]);
    expect(await rowsOf("1,2\n", { header: ["a", "b"], fields: { b: "number" } })).toEqual([{ b: 2 }]);
    const error = await failureOf("a,c\n1,2\n", { fields });
    expect(error.message).toMatch(/the option fields names the column "b", which the header does not have/);
    expect(error).toMatchObject({ code: "RECORD_INVALID", details: { column: "b" } });
  });

  test("can be few of very many, and very many", async () => {
    for (const count of [1, 2, 127, 128, 129, 5000]) {
      const names = Array.from({ length: count }, (_, at) => `c${at}`);
      const content = `${names.join()}\n${names.map((_, at) => at).join()}\n${names.map((_, at) => `"${at}"`).join()}\n`;
      const last = names.at(-1) as string;
      expect(await rowsOf(content, { fields: { [last]: "number", c0: "string" } })).toHaveLength(2);
      expect(await rowsOf(content, { fields: { [last]: "number" } })).toEqual([
        { [last]: count - 1 },
        { [last]: count - 1 },
      ]);
      const all: FieldTypes = Object.fromEntries(names.map((name) => [name, "number"]));
      const row = Object.fromEntries(names.map((name, at) => [name, at]));
      expect(await rowsOf(content, { fields: all })).toEqual([row, row]);
      expect((await failureOf(`${content}${"0,".repeat(count)}0\n`, { fields: all })).message).toContain(
        `the record has ${count + 1} fields, and the header ${count}`,
      );
    }
  });

  test("are strict about fields that are left out, too", async () => {
    const fields: FieldTypes = { a: "number" };
    expect((await failureOf('a,b\n1,x"y\n', { fields })).message).toMatch(/column "b" has a quote in it/);
    expect((await failureOf('a,b\n1,"x"y\n', { fields })).message).toMatch(
      /column "b" goes on after its closing/,
    );
    expect((await failureOf('a,b\n1,"x\n', { fields })).message).toMatch(/column "b" is never closed/);
    expect((await failureOf("a,b\n1\n", { fields })).message).toMatch(/so "b" is missing/);
  });

  test("are cut where the delimiter stands, also in what looks like a number", async () => {
    const fields: FieldTypes = { v: "number" };
    const header = ["v", "w"];
    for (const [delimiter, line] of [
      [".", "1.2.x"],
      ["-", "-1-2"],
      ["5", "15253"],
    ] as const) {
      const error = await failureOf(`${line}\n`, { header, delimiter, fields });
      expect(error.message).toMatch(/the record has 3 fields, and the header 2/);
    }
    const error = await failureOf("x,1\r\r\n", { header: ["w", "v"], fields });
    expect(error.message).toMatch(/column "v" should be a number, and is "1\\r"/);
  });

  test.each<[FieldTypes[string], string, RegExp]>([
    ["number", "x", /^\/d\/f\.csv:2: column "a" should be a number, and is "x"\. .* declare it as a string/],
    ["number", "", /should be a number, and is ""\. .* declare it as "number\?" if it may be empty/],
    ["boolean", "", /should be a boolean, and is ""/],
    ["json", "", /should be JSON, and is ""/],
    ["json?", "{", /should be JSON, and is "\{"/],
    ["json", `${"[".repeat(1001)}${"]".repeat(1001)}`, /should be JSON, and is "\[{100}"/],
  ])("of type %s say what they cannot be", async (type, text, message) => {
    const error = await failureOf(`a,b\n${text},1\n`, { fields: { a: type } });
    expect(error).toMatchObject({
      code: "RECORD_INVALID",
      details: { file: "/d/f.csv", line: 2, column: "a" },
    });
    expect(error.message).toMatch(message);
  });

  test("need names", async () => {
    const error = await failureOf("1,2\n", { header: false, fields: { 0: "number" } });
    expect(error).toMatchObject({ code: "JOB_INVALID" });
  });
});

/** Every value as a field of every type, first and last of its line, quoted and not, in several dialects. */
describe("what a value is, does not hang on where it stands", () => {
  const values = [
    ...[
      "0",
      "-0",
      "-0.0",
      "00",
      "01.50",
      "-",
      "+",
      "+1",
      "5.",
      "-5.",
      ".5",
      "-.5",
      ".",
      "-.",
      "1.2.3",
      "--1",
      "1-",
      "1e5",
      "1E+5",
    ],
    ...[
      "1e-5",
      "1e",
      "1e+",
      "1e400",
      "-1e400",
      "5e-324",
      "9007199254740993",
      "123456789012345",
      "1234567890123456",
      "9".repeat(400),
    ],
    ...[
      "0.1",
      "0.123456789012345",
      "0.1234567890123456",
      "999999999999999.9",
      "0.000000000000000000000001",
      "0x1",
      "NaN",
      "Infinity",
    ],
    ...[
      "1_000",
      "١",
      " 1",
      "1 ",
      "1\r",
      "\r",
      "\r\r",
      "true",
      "FALSE",
      "True",
      "truE ",
      "yes",
      "",
      " ",
      "a",
      "é",
      "ÿ",
      "€😀",
    ],
    ...[
      '"',
      '""',
      'a"b',
      "a,b",
      "a\nb",
      "\n",
      "\r\n",
      "null",
      "[1]",
      '{"a": "b"}',
      "[",
      "1".repeat(15),
      "12345678901234567890",
    ],
  ];
  const dialects = [",", ".", "-", "e", "5", ";", "§"].map((delimiter) => ({ delimiter, quote: '"' }));
  const types: readonly FieldTypes[string][] = [
    "string",
    "number",
    "boolean",
    "json",
    "string?",
    "number?",
    "boolean?",
    "json?",
  ];
  test.each(types)("%s", async (type) => {
    for (const { delimiter, quote } of dialects) {
      for (const value of values) {
        const quoted = `"${value.replaceAll('"', '""')}"`;
        const isPlain = !new RegExp(`["\n\r${delimiter}]`).test(value);
        for (const text of isPlain ? [value, quoted] : [quoted]) {
          for (const [columns, line] of [
            [["v", "w"], `${text}${delimiter}x`],
            [["w", "v"], `x${delimiter}${text}`],
            [["u", "v", "w"], `x${delimiter}${text}${delimiter}"y"`],
          ] as const) {
            for (const end of ["\n", "\r\n"]) {
              const content = `${line}${end}`;
              const options = { header: columns, delimiter, quote, fields: { v: type } };
              const found = await rowsOf(content, options).then(
                (rows) => ({ value: (rows[0] as { v: unknown }).v, rows: rows.length }),
                ({ code }: BicoastalError) => code,
              );
              const expected = strictly(value, type);
              expect(found, content).toEqual(
                expected === undefined ? "RECORD_INVALID" : { value: expected, rows: 1 },
              );
            }
          }
        }
      }
    }
  });

  function strictly(text: string, type: string): unknown {
    if (text === "" && type.endsWith("?")) return null;
    if (type.startsWith("string")) return text;
    if (type.startsWith("boolean"))
      return { true: true, 1: true, false: false, 0: false }[text.toLowerCase()];
    if (type.startsWith("number")) {
      const isDecimal = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text);
      return isDecimal && Number.isFinite(Number(text)) ? Number(text) : undefined;
    }
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }
});
