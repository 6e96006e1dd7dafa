import fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys, sameKey } from "./compare.ts";
import { checkKey, hashKey } from "./hash.ts";

const { key } = fc.letrec((tie) => ({
  key: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(undefined, null, true, false, 0, -0, 1, Number.NaN, "", "a", "b", 0n, 1n),
    fc.double(),
    fc.bigInt(),
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array({ maxLength: 3 }),
    fc.array(tie("key"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("key")),
  ),
}));

it("is a total order", () => {
  fc.assert(
    fc.property(key, key, key, (a, b, c) => {
      expect(compareKeys(a, a)).toBe(0);
      expect(Math.sign(compareKeys(a, b))).toBe(-Math.sign(compareKeys(b, a)) || 0);
      if (compareKeys(a, b) <= 0 && compareKeys(b, c) <= 0) expect(compareKeys(a, c)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 2000 },
  );
});

it("calls equal what hashes alike, and a copy equal to its original", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(sameKey(a, b)).toBe(compareKeys(a, b) === 0);
      if (compareKeys(a, b) === 0) expect(hashKey(a)).toBe(hashKey(b));
      const copy: unknown = structuredClone(a);
      expect(compareKeys(a, copy)).toBe(0);
      expect(hashKey(copy)).toBe(hashKey(a));
      checkKey(a);
    }),
    { numRuns: 2000 },
  );
});
