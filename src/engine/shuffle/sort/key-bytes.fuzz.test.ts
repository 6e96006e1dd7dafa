import fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys } from "../../../base/compare.ts";
import { KeyBytes, readUnits, unitBytesMax, writeUnits } from "./key-bytes.ts";
import { sortOrder } from "./sort-order.ts";

const { key } = fc.letrec((tie) => ({
  key: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      undefined,
      null,
      true,
      false,
      0,
      -0,
      1,
      -1,
      Number.NaN,
      -Number.NaN,
      "",
      "a",
      "a\0",
      0n,
      -1n,
    ),
    fc.double(),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
    fc.integer({ min: -3, max: 3 }).map(BigInt),
    fc.string({
      unit: fc.constantFrom("\0", "\u0001", "a", "é", "\ud83d", "\ude00", "\uffff", "\u07ff"),
      maxLength: 4,
    }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 3, max: 2 }),
    fc.array(tie("key"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("key"), { maxKeys: 2 }),
  ),
}));

const compareBytes = (a: unknown, b: unknown, descending?: readonly boolean[]): number =>
  Buffer.compare(Buffer.from(new KeyBytes().of(a, descending)), new KeyBytes().of(b, descending));

it("orders the bytes of keys as compareKeys orders the keys", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(compareBytes(a, b)).toBe(Math.sign(compareKeys(a, b)));
    }),
    { numRuns: 10_000 },
  );
});

it("orders array keys by a direction for each element", () => {
  const keys = fc.oneof(key, fc.array(key, { maxLength: 3 }));
  fc.assert(
    fc.property(keys, keys, fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }), (a, b, descending) => {
      expect(compareBytes(a, b, descending)).toBe(Math.sign(sortOrder(descending)(a, b)));
    }),
    { numRuns: 10_000 },
  );
});

it("reads texts back, halves of pairs too", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.array(fc.integer({ min: 0, max: 0xffff })),
      (text, units) => {
        for (const each of [text, String.fromCharCode(...units)]) {
          const bytes = Buffer.alloc(unitBytesMax(each));
          expect(readUnits(bytes, 0, writeUnits(bytes, 0, each))).toBe(each);
        }
      },
    ),
  );
});
