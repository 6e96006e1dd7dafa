import { expect, it } from "vitest";
import { checkKey, hashKey, KEY_DEPTH_MAX, partitionOf } from "./hash.ts";

it("never changes: partitions of blocks on disk depend on it", () => {
  const keys = [
    "",
    "word",
    "日本",
    0,
    1,
    -1,
    1.5,
    Number.NaN,
    null,
    undefined,
    true,
    10n ** 30n,
    new Date(0),
    new Uint8Array([1]),
    [1, "a"],
    { b: 1, a: [2] },
  ];
  expect(keys.map(hashKey)).toMatchInlineSnapshot(`
    [
      2872998923,
      3956802879,
      236567117,
      2462723854,
      920564995,
      996586154,
      2321223580,
      104869765,
      1540483477,
      625341585,
      3432918353,
      1548067357,
      574429352,
      3204401825,
      2952417571,
      2736744309,
    ]
  `);
});

it("hashes the same key alike", () => {
  expect(hashKey(-0)).toBe(hashKey(0));
  expect(hashKey({ a: 1, b: 2 })).toBe(hashKey({ b: 2, a: 1 }));
  expect(hashKey(Buffer.from([1, 2]))).toBe(hashKey(new Uint8Array([1, 2])));
  const nan = new Float64Array(new BigUint64Array([0x7ff8_0000_0000_0001n]).buffer)[0];
  expect(hashKey(nan)).toBe(hashKey(Number.NaN));
});

it("tells apart what differs in type, in place or in one element", () => {
  const keys = [
    0,
    "0",
    0n,
    [0],
    [[0]],
    { 0: 0 },
    [],
    {},
    "",
    null,
    undefined,
    false,
    new Date(0),
    new Uint8Array([0]),
    [0, 1],
    [1, 0],
    { a: 1, b: 2 },
    { a: 2, b: 1 },
  ];
  expect(new Set(keys.map(hashKey)).size).toBe(keys.length);
});

it("spreads numbers, words and their prefixes evenly over partitions and slots", () => {
  const kinds = [
    (i: number) => i,
    (i: number) => i * 1024,
    (i: number) => i / 7,
    (i: number) => `user${i}`,
    (i: number) => [i % 10, i],
  ];
  for (const kind of kinds) {
    for (const bucketOf of [(hash: number) => partitionOf(hash, 7), (hash: number) => hash & 7]) {
      const counts = new Array<number>(8).fill(0);
      for (let i = 0; i < 7000; i++) counts[bucketOf(hashKey(kind(i)))]!++;
      for (const count of counts.filter((c) => c > 0)) {
        expect(count).toBeGreaterThan(700);
        expect(count).toBeLessThan(1200);
      }
    }
  }
});

it("keeps partitions in range", () => {
  expect(partitionOf(0, 5)).toBe(0);
  expect(partitionOf(0xffffffff, 5)).toBe(4);
  expect(partitionOf(0xffffffff, 1)).toBe(0);
});

class Account {
  id = 1;
}

it.each<[string, unknown, string]>([
  ["functions", () => 1, "a function"],
  ["symbols", Symbol("s"), "a symbol"],
  ["promises", Promise.resolve(1), "an instance of Promise"],
  ["instances of classes", new Account(), "an instance of Account"],
  ["maps", new Map(), "an instance of Map"],
  ["sets", new Set(), "an instance of Set"],
  ["other typed arrays", new Float64Array(1), "an instance of Float64Array"],
])("refuses %s as keys, and inside of keys", (_, key, what) => {
  for (const wrong of [key, [1, key], { a: { b: key } }]) {
    const refusal = expect.objectContaining({ code: "KEY_INVALID", message: expect.stringContaining(what) });
    expect(() => hashKey(wrong)).toThrowError(refusal);
    expect(() => checkKey(wrong)).toThrowError(refusal);
  }
});

it("refuses keys that contain themselves, and takes deep ones", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  expect(() => hashKey(cycle)).toThrowError(expect.objectContaining({ code: "KEY_INVALID" }));
  let deep: unknown = 0;
  for (let i = 0; i < KEY_DEPTH_MAX; i++) deep = [deep];
  expect(hashKey(deep)).toBeGreaterThanOrEqual(0);
  expect(() => hashKey([deep])).toThrowError(expect.objectContaining({ code: "KEY_INVALID" }));
});
