import fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys } from "../../../base/compare.ts";
import { sortByKey } from "./key-order.ts";

/** Different keys, some of them left out. */
function check(drawn: readonly unknown[]): void {
  const keys = drawn.filter((key, at) => drawn.findIndex((other) => compareKeys(other, key) === 0) === at);
  const entries = Uint32Array.from(keys.keys()).filter((entry) => entry % 7 !== 3);
  const expected = [...entries].sort((a, b) => compareKeys(keys[a], keys[b]));
  expect([...sortByKey(entries, keys)]).toEqual(expected);
}

const many = <T>(of: fc.Arbitrary<T>) => fc.array(of, { minLength: 0, maxLength: 900, size: "max" });

it.each<[string, fc.Arbitrary<unknown>]>([
  [
    "numbers",
    fc.oneof(fc.double(), fc.integer(), fc.constantFrom(-0, Number.NaN, 2 ** 53, -(2 ** 31), 1e-320)),
  ],
  ["whole numbers", fc.integer({ min: -1e6, max: 1e6 })],
  ["texts", fc.string({ unit: "binary", maxLength: 20 })],
  [
    "texts that begin alike",
    fc.string({ unit: fc.constantFrom("a", "\0", "é", "ж") }).map((text) => `user-${text}`),
  ],
  [
    "keys of all types",
    fc.oneof(fc.double(), fc.string(), fc.constantFrom(null, undefined, 3n, true), fc.tuple(fc.nat())),
  ],
])("%s come in the order of compareKeys", (_, key) => {
  fc.assert(
    fc.property(many(key), (keys) => check(keys)),
    { numRuns: 40 },
  );
});
