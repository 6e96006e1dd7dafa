import { expect, test } from "vitest";
import { renderTable } from "./table.ts";

const render = (rows: readonly unknown[], columns?: number, rowsMax = 50): string =>
  `\n${renderTable(rows, { columns, rowsMax }).join("\n")}\n`;

test("pairs become a column of keys and a column of grouped numbers", () => {
  expect(
    render([
      ["the", 63919],
      ["unto", 8997],
      ["naïve", 12],
    ]),
  ).toMatchInlineSnapshot(`
    "
    key     value
    the    63,919
    unto    8,997
    naïve      12
    "
  `);
});

test("objects become columns in the order their fields are first seen; what is missing stays empty", () => {
  expect(
    render([
      { page: "/", hits: 1234567, ms: 12.5 },
      { page: "/about", ms: -3, note: "slow" },
      { page: "/x", hits: 7n, note: null },
    ]),
  ).toMatchInlineSnapshot(`
    "
    page         hits    ms  note
    /       1,234,567  12.5
    /about               -3  slow
    /x              7        null
    "
  `);
});

test("plain values are one column without a title", () => {
  expect(render(["a", "bb", 3])).toMatchInlineSnapshot(`
    "
    a
    bb
    3
    "
  `);
  expect(render([1, 20, 1000])).toMatchInlineSnapshot(`
    "
        1
       20
    1,000
    "
  `);
});

test("rows of unequal length, of mixed kinds, or empty are shown as values", () => {
  expect(render([[1, 2], [3], []])).toMatchInlineSnapshot(`
    "
    [1, 2]
    [3]
    []
    "
  `);
  expect(render([{ a: 1 }, "text", undefined])).toMatchInlineSnapshot(`
    "
    {a: 1}
    text

    "
  `);
  expect(render([{}, {}])).toMatchInlineSnapshot(`
    "
    {}
    {}
    "
  `);
});

test("control characters, escape sequences and marks of direction are shown, not obeyed", () => {
  expect(
    render([
      ["\u001b[31mred\u001b[0m", "a\nb\tc\0"],
      ["\u202egnp.exe", "\ud800"],
      ["\u009b2J", "\ufeffx\u2028y"],
    ]),
  ).toMatchInlineSnapshot(`
    "
    key                 value
    \\x1b[31mred\\x1b[0m  a\\nb\\tc\\x00
    \\u202egnp.exe       \\ud800
    \\x9b2J              \\ufeffx\\u2028y
    "
  `);
});

test("wide and combined characters keep columns straight", () => {
  expect(
    render([
      ["日本", 1],
      ["👩‍👩‍👧", 22],
      ["e\u0301a", 333],
      ["شكرا", 4444],
    ]),
  ).toMatchInlineSnapshot(`
    "
    key   value
    日本      1
    👩‍👩‍👧       22
    éa      333
    شكرا  4,444
    "
  `);
});

test("the widest columns make room first, and columns that do not fit at all are left out", () => {
  const row = { id: 7, title: "a title of many words that goes on and on", text: "x".repeat(300), n: 12345 };
  expect(render([row, row], 60)).toMatchInlineSnapshot(`
    "
    id  title                    text                          n
     7  a title of many words …  xxxxxxxxxxxxxxxxxxxxxx…  12,345
     7  a title of many words …  xxxxxxxxxxxxxxxxxxxxxx…  12,345
    "
  `);
  expect(render([row, row], 16)).toMatchInlineSnapshot(`
    "
    id  title
     7  a tit…
     7  a tit…
    … and 2 columns more (use --json)
    "
  `);
});

test("rows beyond the bound are counted", () => {
  expect(render([1, 2, 3, 4, 5], undefined, 3)).toMatchInlineSnapshot(`
    "
    1
    2
    3
    … and 2 rows more (use --json or write())
    "
  `);
  expect(render([1, 2, 3, 4], undefined, 3)).toMatchInlineSnapshot(`
    "
    1
    2
    3
    … and 1 row more (use --json or write())
    "
  `);
});

test("names that every object inherits are fields like others", () => {
  const rows = [JSON.parse('{"constructor":"c","__proto__":"p"}'), JSON.parse('{"toString":1}')] as unknown[];
  expect(render(rows)).toMatchInlineSnapshot(`
    "
    constructor  __proto__  toString
    c            p
                                   1
    "
  `);
});

test("nested values are cut at a depth and a length", () => {
  const deep: unknown = Array.from({ length: 100_000 }).reduce((inner: unknown) => ({ in: inner }), 1);
  const self: unknown[] = [];
  self.push(self);
  expect(
    render([
      deep,
      self,
      new Map([["k", new Set([1, "two"])]]),
      new Date(0),
      new Date(Number.NaN),
      new Uint8Array(300),
      Array.from({ length: 1000 }, (_, index) => index),
      { "a b": "c\u001b", fn: () => 1 },
    ]),
  ).toMatchInlineSnapshot(`
    "
    {in: {in: {in: {in: {…}}}}}
    [[[[[…]]]]]
    Map{"k": Set{1, "two"}}
    1970-01-01T00:00:00.000Z
    invalid date
    Uint8Array[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, …]
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, …]
    {"a b": "c\\u001b", fn: function}
    "
  `);
});
