import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeJson } from "./encode-json.ts";

const encode = (value: unknown) => encodeJson(value, "write jsonl");

it("agrees with JSON.stringify on everything JSON can say", () => {
  const json = fc.anything({ withDate: true, withNullPrototype: true, maxDepth: 5 });
  fc.assert(
    fc.property(json, (value) => {
      fc.pre(value !== undefined);
      expect(encode(value)).toBe(JSON.stringify(value));
    }),
  );
});

it("takes the careful way only where it must, and gives the same there", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      let deep: unknown = value;
      for (let i = 0; i < 20; i++) deep = { deep, ["__proto__"]: 1 };
      expect(encode(deep)).toBe(JSON.stringify(deep));
      // JSON has no -0, and a key `__proto__` is one like any other in it.
      expect(encode({ value, set: new Set([1]) })).toBe(JSON.stringify({ value, set: [1] }));
    }),
  );
});
