import { describe, expect, test } from "vitest";
import type { BicoastalError } from "../../base/errors.ts";
import type { CsvOptions, SourceFormat } from "../../plan/node.ts";
import { createMemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";

interface Reading {
  readonly splitBytes?: number;
  readonly recordBytesMax?: number;
}

const source = (
  options: Partial<CsvOptions>,
  { splitBytes, recordBytesMax = 1 << 24 }: Reading = {},
): SourceFormat => ({
  format: "csv",
  csv: { header: true, delimiter: ",", quote: '"', types: {}, ...options },
  paths: ["/d"],
  splitBytes,
  recordBytesMax,
});
const rowsOf = async (content: string, options: Partial<CsvOptions> = {}, reading?: Reading) =>
  (await readSource(source(options, reading), createMemoryInputs([["/d/f.csv", content]]))).flatMap(
    (split) => split.rows,
  );
const failureOf = (
  content: string,
  options: Partial<CsvOptions> = {},
  reading?: Reading,
): Promise<BicoastalError> =>
  rowsOf(content, options, reading).then(
    (rows) => Promise.reject(new Error(`read ${rows.length} rows without an error`)),
    (error) => error,
  );

describe("csv", () => {
  test.each<[string, string, unknown[]]>([
    ["no bytes", "", []],
    ["only a header", "a,b\n", []],
    ["only a header without a line end", "a,b", []],
    ["only empty lines", "\n\r\n\n", []],
    ["empty lines anywhere", "\n\r\na,b\n\n1,2\n\n", [{ a: "1", b: "2" }]],
    [
      "plain records",
      "a,b\n1,2\n3,4",
      [
        { a: "1", b: "2" },
        { a: "3", b: "4" },
      ],
    ],
    [
      "CRLF",
      "a,b\r\n1,2\r\n3,\r\n",
      [
        { a: "1", b: "2" },
        { a: "3", b: "" },
      ],
    ],
    ["blanks, which are data", "a, b\n 1 ,\t\n", [{ a: " 1 ", " b": "\t" }]],
    ["empty fields, quoted or not", 'a,b,c\n,"",\n', [{ a: "", b: "", c: "" }]],
    ["a record of one quoted empty field", 'a\n""\n\n', [{ a: "" }]],
    [
      "delimiters, quotes and line ends in quotes",
      'a,b\n"1,2","say ""hi"""\n"x\ny","\r\n"\n',
      [
        { a: "1,2", b: 'say "hi"' },
        { a: "x\ny", b: "\r\n" },
      ],
    ],
    ["a quoted header", '"a\nx","b"\n1,2\n', [{ "a\nx": "1", b: "2" }]],
    ["a byte order mark before a quote", '\ufeff"a",b\n1,2\n', [{ a: "1", b: "2" }]],
    ["a lone carriage return", "a,b\n1\r,2\r\r\n", [{ a: "1\r", b: "2\r" }]],
    ["a column without a name", ",b\n1,2\n", [{ "": "1", b: "2" }]],
    ["names that are numbers", "2,1\nx,y\n", [{ 1: "y", 2: "x" }]],
    ["characters of several bytes", "é,😀\n€,ß\n", [{ é: "€", "😀": "ß" }]],
  ])("of %s", async (_, content, expected) => {
    for (const splitBytes of [undefined, 1, 2, 5]) {
      expect(await rowsOf(content, {}, splitBytes === undefined ? {} : { splitBytes })).toEqual(expected);
    }
  });

  test("takes a list of names, or none", async () => {
    expect(await rowsOf("1,2\n3,4\n", { header: ["x", "y"] })).toEqual([
      { x: "1", y: "2" },
      { x: "3", y: "4" },
    ]);
    expect(await rowsOf('1,2\n"3"\n\n', { header: false })).toEqual([["1", "2"], ["3"]]);
    expect(await rowsOf("1,2\n3\n", { header: false, types: { 1: "number" } })).toEqual([["1", 2], ["3"]]);
  });

  test("takes other delimiters and quotes", async () => {
    expect(await rowsOf("a\tb\n'1\t2'\t'it''s'\n", { delimiter: "\t", quote: "'" })).toEqual([
      { a: "1\t2", b: "it's" },
    ]);
    expect(await rowsOf('a;b\n5" disk;"x\n', { delimiter: ";", quote: "" })).toEqual([
      { a: '5" disk', b: '"x' },
    ]);
    expect(await rowsOf("a|b\n$1$$$|2\n", { delimiter: "|", quote: "$" })).toEqual([{ a: "1$", b: "2" }]);
  });

  test("converts the fields it is told to", async () => {
    const types = { n: "number", b: "boolean" } as const;
    const content = 'n,b,s\n1,true,1\n-2.50,FALSE,x\n"1e3","0",\n.5,1,\n,,\n"","",""\n+7,True,\n';
    expect(await rowsOf(content, { types })).toEqual([
      { n: 1, b: true, s: "1" },
      { n: -2.5, b: false, s: "x" },
      { n: 1000, b: false, s: "" },
      { n: 0.5, b: true, s: "" },
      { n: null, b: null, s: "" },
      { n: null, b: null, s: "" },
      { n: 7, b: true, s: "" },
    ]);
  });

  test("gives rows of one shape, quoted or not, with names in the header's order", async () => {
    const rows = await rowsOf('b,a\n1,2\n"3",4\n');
    expect(rows.map((row) => Object.keys(row as object))).toEqual([
      ["b", "a"],
      ["b", "a"],
    ]);
    expect(rows.every((row) => Object.getPrototypeOf(row) === Object.prototype)).toBe(true);
  });

  test("keeps dangerous names as ordinary fields", async () => {
    const wide = Array.from({ length: 200 }, (_, index) => `c${index}`);
    for (const names of [
      ["__proto__", "constructor", "toString"],
      ["__proto__", ...wide],
    ]) {
      const content = `${names.join(",")}\n${names.map((name) => `<${name}>`).join(",")}\n`;
      const [row] = (await rowsOf(content)) as [Record<string, string>];
      expect(Object.entries(row)).toEqual(names.map((name) => [name, `<${name}>`]));
      expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    }
  });

  test("does not run what a header says", async () => {
    const name = "\"];globalThis.hacked=1;//\\u2028`'";
    const [row] = (await rowsOf(`"${name.replaceAll('"', '""')}",b\n1,2\n`)) as [object];
    expect(Object.keys(row)).toEqual([name, "b"]);
    expect("hacked" in globalThis).toBe(false);
  });

  test("reads 100,000 columns", async () => {
    const names = Array.from({ length: 100_000 }, (_, index) => `column${index}`);
    const values = names.map((_, index) => (index % 7 === 0 ? `"${index}"` : `${index}`));
    const rows = await rowsOf(`${names.join(",")}\n${values.join(",")}\n${names.join(",")}\n`, {
      types: {},
    });
    expect(rows).toHaveLength(2);
    const first = rows[0] as Record<string, string>;
    expect(Object.keys(first)).toHaveLength(100_000);
    expect(first.column77777).toBe("77777");
  });

  test("reads each file by its own header", async () => {
    const inputs = createMemoryInputs([
      ["/d/1.csv", "a,b\n1,2\n"],
      ["/d/2.csv", "b,a,c\n3,4,5\n"],
      ["/d/3.csv", ""],
    ]);
    const read = await readSource(source({ types: { a: "number" } }), inputs);
    expect(read.flatMap((split) => split.rows)).toEqual([
      { a: 1, b: "2" },
      { b: "3", a: 4, c: "5" },
    ]);
  });

  test("splits where quotes allow it, and only there", async () => {
    const record = '"line one\nline two, with ""quotes"""';
    const content = `t,n\n${Array.from({ length: 200 }, (_, index) => `${record},${index}\n`).join("")}`;
    const read = await readSource(source({}, { splitBytes: 100 }), createMemoryInputs([["/d/f", content]]));
    expect(read.length).toBeGreaterThan(50);
    expect(read.flatMap((split) => split.rows)).toEqual(
      Array.from({ length: 200 }, (_, index) => ({ t: 'line one\nline two, with "quotes"', n: `${index}` })),
    );
    expect(read.every((split) => split.rows.length > 0)).toBe(true);
  });

  describe("refuses, with file, line and column,", () => {
    test.each<[string, string, Partial<CsvOptions>, string, object]>([
      [
        "a record with too few fields",
        "a,b\n1,2\n3\n",
        {},
        "/d/f.csv:3: the record has 1 fields, and the header 2",
        { line: 3, column: "b", excerpt: "3" },
      ],
      [
        "a record with too many",
        'a,b\n1,"2",3\n',
        {},
        ":2: the record has 3 fields, and the header 2",
        { line: 2 },
      ],
      [
        "a quoted record with too few",
        'a,b\n\n"1"\n',
        {},
        ":3: the record has 1 fields",
        { line: 3, column: "b" },
      ],
      [
        "a name that stands twice",
        "\na,b,a\n1,2,3\n",
        {},
        ':2: the header names the column "a" twice',
        { line: 2, column: "a" },
      ],
      [
        "a type for a column that is not there",
        "a,b\n1,2\n",
        { types: { c: "number" } },
        ':1: the option types names the column "c"',
        { column: "c" },
      ],
      [
        "what is not a number",
        "a,b\n1,2\n3,4x\n",
        { types: { b: "number" } },
        ':3: column "b" should be a number, and is "4x"',
        { line: 3, column: "b" },
      ],
      [
        "what is not a number, in quotes",
        'a,b\n"1\n2",3\n1,"0x10"\n',
        { types: { b: "number" } },
        ':4: column "b" should be a number',
        { line: 4, byteOffset: 12 },
      ],
      ["a number out of range", "a\n1e309\n", { types: { a: "number" } }, '"1e309"', { line: 2 }],
      [
        "what is not a boolean",
        "a\nyes\n",
        { types: { a: "boolean" } },
        ':2: column "a" should be a boolean, and is "yes"',
        { line: 2 },
      ],
      [
        "a number without a header",
        "1,x\n",
        { header: false, types: { 1: "number" } },
        ':1: column "1" should be a number',
        { column: "1" },
      ],
      [
        "a quote never closed",
        'a,b\n1,2\n3,"4\n5,6\n7,8\n',
        {},
        ':3: the quote that opens column "b" is never closed',
        { line: 3, column: "b", byteOffset: 8 },
      ],
      [
        "a quote never closed in the header",
        '"a,b\n1,2\n',
        {},
        ":1: the quote that opens column",
        { line: 1 },
      ],
      [
        "text after a closing quote",
        'a,b\n1,2\n"3"x,4\n',
        {},
        ':3: column "a" goes on after its closing quote',
        { line: 3, column: "a" },
      ],
      ["a blank after a closing quote", 'a,b\n"3" ,4\n', {}, 'column "a" goes on', { line: 2 }],
      [
        "a quote inside a field",
        'a,b\n1,5" disk\n',
        {},
        ':2: column "b" has a quote in it, but is not quoted',
        { line: 2, column: "b" },
      ],
      [
        "a blank before a quote",
        'a,b\n1, "x"\n',
        {},
        ':2: column "b" has a quote in it',
        { line: 2, column: "b" },
      ],
    ])("%s", async (_, content, options, message, details) => {
      for (const reading of [{}, { splitBytes: 4 }]) {
        const error = await failureOf(content, options, reading);
        expect(error.code).toBe("RECORD_INVALID");
        expect(error.message).toContain(message);
        expect(error.details).toMatchObject({ file: "/d/f.csv", ...details });
      }
    });

    test("a misplaced quote that makes the rest look like one record", async () => {
      const content = `a,b\n1,2\n3,5" disk\n${"4,5\n".repeat(1000)}`;
      const error = await failureOf(content, {}, { recordBytesMax: 100 });
      expect(error.code).toBe("RECORD_INVALID");
      expect(error.message).toContain(':3: column "b" has a quote in it');
    });

    test("a quote whose end is too far away", async () => {
      const content = `a,b\n1,2\n3,"5\n${"4,5\n".repeat(1000)}`;
      const error = await failureOf(content, {}, { recordBytesMax: 100 });
      expect(error.code).toBe("RECORD_TOO_LONG");
      expect(error.message).toContain("/d/f.csv:3: ");
      expect(error.message).toContain("close the quote");
    });

    test("a fault found by a task that only looks for the header", async () => {
      const error = await failureOf(`a,a\n${"1,2\n".repeat(100)}`, {}, { splitBytes: 50 });
      expect(error.details).toMatchObject({ line: 1, column: "a" });
    });
  });

  test.each<[string, Partial<CsvOptions>]>([
    ["a delimiter of two characters", { delimiter: "||" }],
    ["a delimiter that ends lines", { delimiter: "\n" }],
    ["a quote that is not ASCII", { quote: "«" }],
    ["a quote that is the delimiter", { quote: "," }],
    ["an empty header", { header: [] }],
    ["a header with a name twice", { header: ["a", "a"] }],
    ["types for a name that the header does not list", { header: ["a"], types: { b: "number" } }],
    ["types by name without a header", { header: false, types: { a: "number" } }],
  ])("refuses %s when splits are planned", async (_, options) => {
    expect((await failureOf("1\n", options)).code).toBe("JOB_INVALID");
  });
});
