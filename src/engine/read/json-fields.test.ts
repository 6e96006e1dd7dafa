import { describe, expect, test, vi } from "vitest";
import type { BicoastalError } from "../../base/errors.ts";
import type { FieldTypes } from "../../plan/node.ts";
import { createMemoryInputs } from "../../sim/ports/memory-inputs.ts";
import { readSource } from "../../sim/ports/memory-inputs-reader.ts";

const rowsOf = async (content: string, fields: FieldTypes) => {
  const source = {
    format: "jsonl",
    paths: ["/d"],
    splitBytes: undefined,
    recordBytesMax: 1 << 24,
    fields,
  } as const;
  return (await readSource(source, createMemoryInputs([["/d/f.jsonl", content]]))).flatMap(
    (split) => split.rows,
  );
};
const failureOf = (content: string, fields: FieldTypes): Promise<BicoastalError> =>
  rowsOf(content, fields).then(
    (rows) => Promise.reject(new Error(`read ${rows.length} rows without an error`)),
    (error) => error,
  );
const linesOf = (...records: unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join("");

describe("named fields of JSON lines", () => {
  test("come in the order of the schema, and no others", async () => {
    const content = linesOf({ id: 1, name: "a", x: [1] }, { x: {}, name: "b", id: 2.5 });
    const rows = await rowsOf(content, { name: "string", id: "number" });
    expect(rows.map((row) => JSON.stringify(row))).toEqual(['{"name":"a","id":1}', '{"name":"b","id":2.5}']);
  });

  test("may be missing or null where the schema says so", async () => {
    const fields: FieldTypes = { id: "number", s: "string?", n: "number?", b: "boolean?", j: "json?" };
    const full = { id: 1, s: "", n: 0, b: false, j: {} };
    const none = { s: null, n: null, b: null, j: null };
    const content = linesOf(full, { id: 2 }, { id: 3, ...none }, full, { id: 4, b: true });
    expect(await rowsOf(content, fields)).toEqual([
      full,
      { id: 2, ...none },
      { id: 3, ...none },
      full,
      { id: 4, ...none, b: true },
    ]);
  });

  test("are the object's own", async () => {
    const fields: FieldTypes = Object.fromEntries([
      ["constructor", "json?"],
      ["__proto__", "number"],
    ]);
    const rows = await rowsOf('{"__proto__":1}\n{"__proto__":2}\n', fields);
    expect(rows.map((row) => Object.entries(row as object))).toEqual([
      [
        ["constructor", null],
        ["__proto__", 1],
      ],
      [
        ["constructor", null],
        ["__proto__", 2],
      ],
    ]);
  });

  test("can be more than have code generated for them, and come from more keys", async () => {
    for (const count of [31, 32, 33, 127, 128, 129, 1000]) {
      const names = Array.from({ length: count }, (_, at) => `field ${at}`);
      const record = Object.fromEntries(names.map((name, at) => [name, at]));
      const all: FieldTypes = Object.fromEntries(names.map((name) => [name, "number"]));
      const last = names.at(-1) as string;
      expect(await rowsOf(linesOf(record, record), all)).toEqual([record, record]);
      expect(await rowsOf(linesOf(record, record), { [last]: "number" })).toEqual([
        { [last]: count - 1 },
        { [last]: count - 1 },
      ]);
      const { [last]: _, ...without } = record;
      expect((await failureOf(linesOf(record, record, without), all)).details).toMatchObject({
        line: 3,
        field: last,
      });
    }
  });

  test("are read without JSON.parse once the order of the keys is known", async () => {
    const record = { id: 12, skipped: { deep: [1, "two"] }, name: "größer \n", ok: true };
    const rare = { id: 13, rare: 1, name: "b", ok: false };
    const content = linesOf(
      record,
      rare,
      ...Array.from({ length: 500 }, (_, at) => (at % 3 === 0 ? rare : record)),
    );
    const parse = vi.spyOn(JSON, "parse");
    try {
      const rows = await rowsOf(content, { id: "number", skipped: "json?", ok: "boolean" });
      expect(rows.length).toBe(502);
      // Two lessons, and the field that is JSON.
      const whole = parse.mock.calls.filter(([text]) => text.includes("name"));
      expect(whole.length).toBe(2);
    } finally {
      parse.mockRestore();
    }
  });

  test("keep being read fast when the order of the keys changes for good", async () => {
    const before = Array.from({ length: 100 }, (_, id) => ({ id, name: "a" }));
    const after = Array.from({ length: 4000 }, (_, id) => ({ name: "a", id }));
    const parse = vi.spyOn(JSON, "parse");
    try {
      expect((await rowsOf(linesOf(...before, ...after), { id: "number", name: "string" })).length).toBe(
        4100,
      );
      expect(parse.mock.calls.length).toBeLessThan(1000);
    } finally {
      parse.mockRestore();
    }
  });
});

/** Each as the value of a field of each type, and of one that is skipped, behind a record that teaches the keys. */
describe("what a value is, JSON.parse decides", () => {
  const values = [
    ...[
      "0",
      "-0",
      "-0.0",
      "00",
      "01",
      "-01",
      "-",
      "+1",
      "1.",
      ".5",
      "-.5",
      "1.5",
      "1.50",
      "1e5",
      "1E+5",
      "1e-5",
      "1e",
      "1e+",
    ],
    ...[
      "1.e5",
      "1e400",
      "-1e400",
      "1e-400",
      "5e-324",
      "9007199254740993",
      "123456789012345",
      "1234567890123456",
    ],
    ...[
      "0.1",
      "0.123456789012345",
      "0.1234567890123456",
      "999999999999999.9",
      "0.000000000000000000000001",
      "1-",
      "1 1",
      "0x1",
    ],
    ...[
      "1.7976931348623157e308",
      "1.7976931348623159e308",
      "2.2250738585072011e-308",
      "NaN",
      "Infinity",
      "1_000",
      "١",
    ],
    ...[
      '""',
      '"a"',
      '"é€😀"',
      '"\\u0041"',
      '"\\ud83d\\ude00"',
      '"\\ud800"',
      '"\\x"',
      '"\\u12g4"',
      '"\\',
      '"\\"',
      '"a\tb"',
      '"a\u0000"',
    ],
    ...[
      '"\\""',
      '"\\/\\b\\f\\n\\r\\t\\\\"',
      '"\u007f"',
      '"\u2028"',
      "'a'",
      '"a',
      'a"',
      '"a"b',
      '"12345678901234567890"',
    ],
    ...[
      "true",
      "false",
      "null",
      "True",
      "tru",
      "truex",
      "true1",
      "nul",
      "nulll",
      "falsee",
      "fals",
      "undefined",
      "",
    ],
    ...[
      "[]",
      "{}",
      "[ ]",
      "{ }",
      "[1,2]",
      "[1,]",
      "[,1]",
      "[1 2]",
      "[[[]]]",
      "[[]",
      "[]]",
      "[}",
      "{]",
      '{"a":1}',
      '{"a":1,}',
      '{"a"}',
    ],
    ...[
      '{"a":}',
      "{a:1}",
      '{"a":1 "b":2}',
      '{ "a" : [ 1 , { } ] }',
      '{"a":1,"a":2}',
      '{"__proto__":1}',
      '["]"]',
      '{"}":"{"}',
      "[1\u00a0]",
    ],
    ...[
      "[".repeat(40) + "]".repeat(40),
      "[".repeat(1001) + "]".repeat(1001),
      `${'[{"a":'.repeat(40)}1${"}]".repeat(40)}`,
    ],
  ];
  const kinds = { number: "1", string: '"a"', boolean: "true", json: "1" } as const;
  let schemas = 0;
  test.each(Object.entries(kinds))("%s", async (kind, good) => {
    for (const value of values) {
      for (const type of [kind, `${kind}?`] as FieldTypes[string][]) {
        // A schema that was never seen, so that what it learned is known here.
        const fields: FieldTypes = { v: type, [`schema ${schemas++}`]: "json?" };
        for (const spot of [`"v":#,"s":2`, `"s":#,"v":${good}`, `"s": 1, "v": #`, `"v":${good},"s":#`]) {
          const teaching = `{${spot.replace("#", good)}}\n`;
          const line = `{${spot.replace("#", () => value)}}`;
          const content = `${teaching}${line}\n${teaching}`;
          const expected = strictly(line, type);
          const found = await rowsOf(content, fields).then(
            (rows) => ({ value: (rows[1] as { v: unknown }).v }),
            ({ code, details }: BicoastalError) => ({ code, line: details.line, field: details.field }),
          );
          expect(found, line).toEqual(expected);
        }
      }
    }
  });

  function strictly(line: string, type: string): unknown {
    const error = { code: "RECORD_INVALID", line: 2 };
    let record: { v?: unknown };
    try {
      record = JSON.parse(line);
    } catch {
      return error;
    }
    if (line.includes("[".repeat(1000))) return error;
    const value = record.v;
    if (value === null && type.endsWith("?")) return { value };
    return type.startsWith("json") || typeof value === type.replace("?", "")
      ? { value }
      : { ...error, field: "v" };
  }
});

test.each<[string, string, FieldTypes, RegExp, object]>([
  [
    "is missing",
    '{"a":1}\n{"b":2}\n',
    { a: "number" },
    /^\/d\/f\.jsonl:2: the field "a" is missing\. The record begins "{\\"b\\":2}"\. .* declare the field as "number\?"/,
    { file: "/d/f.jsonl", line: 2, field: "a" },
  ],
  [
    "is of another type",
    '{"a":1}\n\n{"a":"x"}',
    { a: "number?" },
    /^\/d\/f\.jsonl:3: the field "a" should be a number, and is "x"\. .* "json"/,
    { line: 3, field: "a" },
  ],
  [
    "is null",
    '{"a":null}',
    { a: "string" },
    /:1: the field "a" should be a string, and is null\. .* "string\?"/,
    { field: "a" },
  ],
  [
    "is in no object",
    '{"a":1}\n[1]\n',
    { a: "number" },
    /:2: the line is \[1\], and not an object/,
    { line: 2 },
  ],
  [
    "is in no JSON",
    '{"a":1}\n{"a":1}}\n',
    { a: "number" },
    /:2: the line is not one JSON value/,
    { line: 2 },
  ],
  ["is long", `{"a":"${"x".repeat(500)}"}`, { a: "number" }, /and is "x{99}…\. /, { line: 1 }],
])("a field that %s is named", async (_, content, fields, message, details) => {
  const error = await failureOf(content, fields);
  expect(error).toMatchObject({ code: "RECORD_INVALID", details });
  expect(error.message).toMatch(message);
});
