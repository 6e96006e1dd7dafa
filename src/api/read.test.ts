import { describe, expect, test } from "vitest";
import { nodeOf } from "./brand.ts";
import { read } from "./read.ts";

const sourceOf = (dataset: unknown): unknown => (nodeOf(dataset) as { source: unknown }).source;
const files = { splitBytes: undefined, recordBytesMax: 64 * 1024 * 1024 };

test("files, with defaults and options", () => {
  expect(sourceOf(read.lines("-rf"))).toEqual({ format: "lines", paths: ["-rf"], ...files });
  expect(sourceOf(read.jsonl(["a", "b/*.gz", "💾"]))).toEqual({
    format: "jsonl",
    paths: ["a", "b/*.gz", "💾"],
    ...files,
  });
  expect(sourceOf(read.lines("a", { splitBytes: 1, recordBytesMax: 5 }))).toMatchObject({
    splitBytes: 1,
    recordBytesMax: 5,
  });
  expect(sourceOf(read.files("a"))).toEqual({ format: "files", as: "text", paths: ["a"], ...files });
  expect(sourceOf(read.files("a", { as: "bytes" }))).toMatchObject({ as: "bytes" });
});

test("csv", () => {
  const csv = { header: true, delimiter: ",", quote: '"', types: {} };
  expect(sourceOf(read.csv("a"))).toEqual({ format: "csv", paths: ["a"], csv, ...files });
  const types = { age: "number" } as const;
  expect(sourceOf(read.csv("a", { header: ["age"], types, delimiter: "\t", quote: "" }))).toMatchObject({
    csv: { header: ["age"], types, delimiter: "\t", quote: "" },
  });
  expect(sourceOf(read.csv("a", { header: false }))).toMatchObject({ csv: { header: false } });
});

test("fields", () => {
  const fields = { user: "string", tags: "json?", 1: "number" } as const;
  expect(sourceOf(read.jsonl("a", { fields, splitBytes: 9 }))).toEqual({
    format: "jsonl",
    paths: ["a"],
    ...files,
    splitBytes: 9,
    fields,
  });
  expect(sourceOf(read.csv("a", { fields }))).toMatchObject({ csv: { header: true, types: {}, fields } });
  expect(sourceOf(read.csv("a", { header: ["user", "b"], fields: { user: "string?" } }))).toMatchObject({
    csv: { header: ["user", "b"], fields: { user: "string?" } },
  });
});

test("names of fields that objects have already are like any other", () => {
  const types = JSON.parse('{"constructor":"number","__proto__":"number"}') as Record<string, "number">;
  const { csv } = sourceOf(read.csv("a", { types })) as { csv: { types: object } };
  expect(Object.entries(csv.types)).toEqual([
    ["constructor", "number"],
    ["__proto__", "number"],
  ]);
  expect(Object.getPrototypeOf(csv.types)).toBe(Object.prototype);
  const { fields } = sourceOf(read.jsonl("a", { fields: types })) as { fields: object };
  expect(Object.entries(fields)).toEqual(Object.entries(types));
});

test("range", () => {
  const range = { format: "range", start: 0, end: 5, step: 1, partitions: undefined };
  expect(sourceOf(read.range(5))).toEqual(range);
  expect(sourceOf(read.range(5, { partitions: 2 }))).toEqual({ ...range, partitions: 2 });
  expect(sourceOf(read.range(2, 5))).toEqual({ ...range, start: 2 });
  expect(sourceOf(read.range(9, 5, -2, { partitions: 1 }))).toEqual({
    ...range,
    start: 9,
    step: -2,
    partitions: 1,
  });
  expect(sourceOf(read.range(2, 5, undefined as never))).toEqual({ ...range, start: 2 });
});

test("of copies its values", () => {
  const values = [1, 2];
  const node = sourceOf(read.of(values, { partitions: 2 }));
  values.push(3);
  expect(node).toEqual({ format: "of", values: [1, 2], partitions: 2 });
  expect(sourceOf(read.of(new Map([["a", 1]])))).toMatchObject({ values: [["a", 1]] });
});

describe("wrong arguments are refused at once", () => {
  const loose = read as unknown as Record<string, (...args: unknown[]) => unknown>;
  const call = (name: string, ...args: unknown[]) => ({ call: () => loose[name]?.(...args) });
  const wholes = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53 + 1, "20", null];
  const cases: { call: () => unknown; message: RegExp }[] = [
    ...["lines", "jsonl", "csv", "files"].flatMap((name) => [
      { ...call(name), message: new RegExp(`^read.${name}: the path is undefined`) },
      { ...call(name, []), message: new RegExp(`^read.${name}: paths is an array of 0`) },
      { ...call(name, ["a", ""]), message: new RegExp(`^read.${name}: paths\\[1\\] is ""`) },
      { ...call(name, "a\0"), message: new RegExp(`^read.${name}: the path is .* NUL`) },
      {
        ...call(name, "https://a/b"),
        message: new RegExp(`^read.${name}: the path is "https://a/b".* or s3://`),
      },
      { ...call(name, "a", { split: 1 }), message: new RegExp(`^read.${name}: no option "split"`) },
      ...wholes.map((splitBytes) => ({
        ...call(name, "a", { splitBytes }),
        message: new RegExp(`^read.${name}: splitBytes is .*; it must be a whole number from 1`),
      })),
      { ...call(name, "a", { recordBytesMax: 2 ** 40 }), message: /recordBytesMax is 1099511627776/ },
    ]),
    { ...call("csv", "a", { delimiter: "" }), message: /^read\.csv: delimiter is ""/ },
    { ...call("csv", "a", { delimiter: "ab" }), message: /^read\.csv: delimiter is "ab"/ },
    { ...call("csv", "a", { delimiter: "💾" }), message: /^read\.csv: delimiter is "💾"/ },
    {
      ...call("csv", "a", { quote: "«" }),
      message: /^read\.csv: quote is "«"; .* ASCII character, or "" for none/,
    },
    { ...call("csv", "a", { delimiter: "\n" }), message: /^read\.csv: delimiter is "\\n"/ },
    { ...call("csv", "a", { quote: "," }), message: /^read\.csv: quote is ","; .* than the delimiter/ },
    { ...call("csv", "a", { header: "name" }), message: /^read\.csv: header is "name"/ },
    { ...call("csv", "a", { header: ["a", "a"] }), message: /^read\.csv: header\[1\] is "a".* twice/ },
    { ...call("csv", "a", { types: { a: "int" } }), message: /^read\.csv: the type of "a" is "int"/ },
    { ...call("csv", "a", { types: [] }), message: /^read\.csv: types is an array/ },
    { ...call("csv", "a", { header: false, types: {} }), message: /^read\.csv: types is an empty object/ },
    {
      ...call("csv", "a", { header: ["name"], types: { nam: "number" } }),
      message: /a name in types is "nam".* Did you mean name\?/,
    },
    ...["jsonl", "csv"].flatMap((name) => [
      { ...call(name, "a", { fields: {} }), message: new RegExp(`^read.${name}: fields is an empty object`) },
      { ...call(name, "a", { fields: ["a"] }), message: new RegExp(`^read.${name}: fields is an array`) },
      {
        ...call(name, "a", { fields: { a: "int" } }),
        message: new RegExp(`^read.${name}: the type of "a" is "int"; it must be one of string, number`),
      },
    ]),
    { ...call("lines", "a", { fields: {} }), message: /^read\.lines: no option "fields"/ },
    {
      ...call("csv", "a", { header: false, fields: { a: "json" } }),
      message: /^read\.csv: fields is .* left out/,
    },
    {
      ...call("csv", "a", { types: {}, fields: { a: "json" } }),
      message: /^read\.csv: types is an empty object; it must be left out: the option fields/,
    },
    {
      ...call("csv", "a", { header: ["name"], fields: { nam: "number?" } }),
      message: /a name in fields is "nam".* Did you mean name\?/,
    },
    { ...call("files", "a", { as: "blob" }), message: /^read\.files: as is "blob"/ },
    ...[undefined, ...wholes.slice(2)].map((end) => ({
      ...call("range", end),
      message: /^read\.range: end is/,
    })),
    { ...call("range", 1, 2, 0), message: /^read\.range: step is 0/ },
    {
      ...call("range", -(2 ** 53) + 1, 2 ** 53 - 1),
      message: /^read\.range: end is .* no more than 2\^53-1 steps/,
    },
    { ...call("range", 1, 2, 3, 4), message: /^read\.range: the fourth argument is 4/ },
    { ...call("range", 1, { partitions: 0 }), message: /^read\.range: partitions is 0/ },
    { ...call("of", "abc"), message: /^read\.of: values is "abc"/ },
    { ...call("of", { a: 1 }), message: /^read\.of: values is an object \{ a \}/ },
    { ...call("of", undefined), message: /^read\.of: values is undefined/ },
    { ...call("of", Promise.resolve([])), message: /^read\.of: values is a promise/ },
    {
      ...call("of", [], { partitions: Number.POSITIVE_INFINITY }),
      message: /^read\.of: partitions is Infinity/,
    },
  ];
  test.each(cases)("$message", (wrong) => {
    expect(wrong.call).toThrowError(expect.objectContaining({ name: "BicoastalError", code: "JOB_INVALID" }));
    expect(wrong.call).toThrowError(wrong.message);
  });

  test("an endless iterable", () => {
    const endless = {
      *[Symbol.iterator]() {
        for (;;) yield 0;
      },
    };
    expect(() => read.of(endless)).toThrowError(/no more than 10000000 values; put more into a file/);
  });
});
