import { expect, test } from "vitest";
import { toJsonLine } from "./json.ts";

test.each([
  ["a map", new Map([["k", 1]]), '[["k",1]]'],
  ["a set", new Set([1, "two"]), '[1,"two"]'],
  ["bytes", new Uint8Array([1, 2, 255]), '"AQL/"'],
  ["a buffer", Buffer.from("hi"), '"aGk="'],
  ["an array buffer", new Uint8Array([1]).buffer, '"AQ=="'],
  ["numbers in an array of a type", new Float64Array([1.5, -0]), "[1.5,0]"],
  ["a small and a large bigint", [5n, 2n ** 64n], '[5,"18446744073709551616"]'],
  ["what JSON has no number for", [Number.NaN, Number.POSITIVE_INFINITY, undefined], "[null,null,null]"],
  ["nothing", undefined, "null"],
  ["a date, and one that is none", [new Date(0), new Date(Number.NaN)], '["1970-01-01T00:00:00.000Z",null]'],
  [
    "a pattern and an error",
    [/a\/b/g, new RangeError("no")],
    '["/a\\\\/b/g",{"name":"RangeError","message":"no"}]',
  ],
  ["line breaks and half characters", "a\nb\u2028\ud800", '"a\\nb\u2028\\ud800"'],
  ["a field named __proto__", JSON.parse('{"__proto__":1}') as unknown, '{"__proto__":1}'],
])("%s", (_, value, line) => {
  expect(toJsonLine(value, "The row")).toBe(line);
});

test("what contains itself, or nests without end, is named", () => {
  const self: unknown[] = [];
  self.push(self);
  expect(() => toJsonLine(self, "Row 3")).toThrow(/^Row 3 cannot be written as JSON: it contains itself\.$/);
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth++) deep = [deep];
  expect(() => toJsonLine(deep, "Row 4")).toThrow(/^Row 4 cannot be written as JSON: it is nested too deep/);
});
