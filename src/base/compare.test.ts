import { expect, it } from "vitest";
import { compareKeys, isPlainObject, sameKey } from "./compare.ts";

it("orders keys of all types", () => {
  const ordered = [
    undefined,
    null,
    false,
    true,
    Number.NEGATIVE_INFINITY,
    -1,
    0,
    5e-324,
    10,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    -(2n ** 70n),
    0n,
    5n,
    new Date(-1),
    new Date(5),
    new Date(Number.NaN),
    "",
    "A",
    "a",
    "aa",
    "b",
    "\ud83d\ude00",
    "\uffff",
    new Uint8Array(),
    new Uint8Array([1]),
    new Uint8Array([1, 0]),
    new Uint8Array([200]),
    [],
    [undefined],
    [1],
    [1, "a"],
    [1, "b"],
    [2],
    [[0]],
    {},
    { a: 1 },
    { b: 0, a: 2 },
    { a: 2, b: 1 },
    { a: 0, c: 0 },
    { b: 0 },
  ];
  for (const [i, a] of ordered.entries()) {
    for (const [j, b] of ordered.entries()) {
      expect(Math.sign(compareKeys(a, b)), `${String(a)} and ${String(b)}`).toBe(Math.sign(i - j));
    }
  }
});

it("takes keys that look the same for the same", () => {
  for (const [a, b] of [
    [0, -0],
    [Number.NaN, Number.NaN],
    ["ab", ["a", "b"].join("")],
    [new Date(7), new Date(7)],
    [new Uint8Array([1]), Buffer.from([1])],
    [
      [1, [2]],
      [1, [2]],
    ],
    [
      { a: 1, b: { c: [] } },
      { b: { c: [] }, a: 1 },
    ],
    [{ a: 1 }, Object.assign(Object.create(null), { a: 1 })],
  ]) {
    expect(compareKeys(a, b)).toBe(0);
    expect(sameKey(a, b)).toBe(true);
  }
  expect(sameKey(1, "1")).toBe(false);
  expect(sameKey(1, 1n)).toBe(false);
  expect(sameKey({ a: undefined }, {})).toBe(false);
});

it("knows plain objects", () => {
  for (const plain of [{}, JSON.parse("{}"), Object.create(null)]) expect(isPlainObject(plain)).toBe(true);
  for (const other of [null, [], new Date(), new Map(), () => 1, "x", new (class A {})()]) {
    expect(isPlainObject(other)).toBe(false);
  }
});
