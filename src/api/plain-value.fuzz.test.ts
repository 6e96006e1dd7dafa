import fc from "fast-check";
import { expect, test } from "vitest";
import { copyPlainParams } from "./plain-value.ts";

test("plain params survive as JSON would have them, and a second copy changes nothing", () => {
  const object = fc
    .dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 4 }))
    .filter((value) => !JSON.stringify(value).includes('"__proto__"'));
  fc.assert(
    fc.property(object, (value) => {
      const copy = copyPlainParams(value);
      expect(copy).toEqual(JSON.parse(JSON.stringify(value)));
      expect(copyPlainParams(copy)).toStrictEqual(copy);
      expect(JSON.parse(JSON.stringify(copy))).toStrictEqual(copy);
    }),
  );
});

test("anything at all is copied or refused with a typed error", () => {
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true });
  fc.assert(
    fc.property(anything, (value) => {
      try {
        const copy = copyPlainParams({ value });
        expect(JSON.parse(JSON.stringify(copy))).toStrictEqual(copy);
      } catch (error) {
        expect(error).toMatchObject({ name: "BicoastalError", code: "PARAM_INVALID" });
      }
    }),
  );
});
