import { describe, expect, test } from "vitest";
import { copyPlainParams, freezeDeep } from "./plain-value.ts";

test("a copy shares nothing, drops undefined, and turns -0 into 0", () => {
  const given = { list: [1, { a: null }], none: undefined, zero: -0, text: "", yes: true };
  const copy = copyPlainParams(given);
  expect(copy).toEqual({ list: [1, { a: null }], zero: 0, text: "", yes: true });
  expect(Object.keys(copy)).not.toContain("none");
  expect(Object.is(copy.zero, 0)).toBe(true);
  expect(copy.list).not.toBe(given.list);
  expect(copyPlainParams(Object.assign(Object.create(null), { a: 1 }))).toEqual({ a: 1 });
});

describe("what JSON does not have is refused, with its place", () => {
  class Money {
    readonly cents = 3;
  }
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const cases: [params: unknown, message: RegExp][] = [
    [{ a: Number.NaN }, /^Param a is NaN\./],
    [{ a: { b: [0, Number.POSITIVE_INFINITY] } }, /^Param a\.b\[1\] is Infinity\./],
    [{ a: new Date(0) }, /^Param a is an object of class Date\..*make the date in `run`/],
    [{ a: 10n }, /^Param a is 10n\..*make the bigint in `run`/],
    [{ a: () => 1 }, /^Param a is the function a\./],
    [{ a: Symbol("s") }, /^Param a is a symbol\./],
    [{ a: new Map() }, /^Param a is an object of class Map\./],
    [{ a: new Money() }, /^Param a is an object of class Money\./],
    [{ a: [undefined] }, /^Param a\[0\] is undefined\./],
    [{ a: Promise.resolve(1) }, /^Param a is a promise\./],
    [JSON.parse('{"a":{"__proto__":1}}'), /^Param a\.__proto__ has a name that is not allowed/],
    [loop, /^Param self\.self.* is nested more than 64 deep, or refers to itself/],
    [[1], /^The params are an array of 1; they must be an object/],
    [null, /^The params are null/],
    ["a", /^The params are "a"/],
  ];
  test.each(cases)("%#: %o", (params, message) => {
    const copy = () => copyPlainParams(params);
    expect(copy).toThrowError(expect.objectContaining({ name: "BicoastalError", code: "PARAM_INVALID" }));
    expect(copy).toThrowError(message);
  });

  test("100,000 levels", () => {
    const deep: unknown = JSON.parse(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
    expect(() => copyPlainParams(deep)).toThrowError(/nested more than 64 deep/);
  });
});

test("freezeDeep freezes all levels", () => {
  const value = freezeDeep({ a: [{ b: 1 }] });
  expect([value, value.a, value.a[0]].every(Object.isFrozen)).toBe(true);
});
