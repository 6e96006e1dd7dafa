import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ValueCodec } from "./codec.ts";

/** What every codec of values keeps to. */
export function valueCodecContract(name: string, create: () => ValueCodec): void {
  const roundTrip = (values: readonly unknown[]): unknown[] => {
    const codec = create();
    return codec.decode(Uint8Array.from(codec.encode(values)));
  };

  describe(`value codec contract: ${name}`, () => {
    it.each<[string, unknown]>([
      ["undefined", undefined],
      ["null", null],
      ["NaN", Number.NaN],
      ["minus zero", -0],
      ["infinities", [Infinity, -Infinity]],
      ["numbers around 32 and 53 bits", [2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53 - 1, -(2 ** 53), 5e-324]],
      [
        "bigints beyond 64 bits",
        [0n, -1n, 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, -(2n ** 200n), 7n ** 999n],
      ],
      ["dates, invalid ones too", [new Date(0), new Date(-1), new Date(8.64e15), new Date(Number.NaN)]],
      [
        "maps with any keys",
        new Map<unknown, unknown>([
          [{ a: 1 }, 2],
          ["x", new Map([[1, -0]])],
          [Number.NaN, undefined],
        ]),
      ],
      ["sets", new Set<unknown>([1, "a", new Set([-0]), { b: [2] }])],
      ["bytes", [new Uint8Array([1, 2]), new Uint8Array()]],
      [
        "typed arrays",
        [
          new Float64Array([1.5, -0, Number.NaN]),
          new Int16Array([-1]),
          new BigInt64Array([1n]),
          new Uint8ClampedArray([255]),
        ],
      ],
      ["array buffers", new Uint8Array([1, 2, 3]).buffer],
      ["regular expressions", /a+b/giu],
      ["nested records", { a: { b: { c: [{ d: 1 }, { d: 2 }] } }, "": 0, "a b": { "1": 2 } }],
      ["a field that is undefined", { a: undefined, b: null }],
      ["lone surrogates", ["\ud800", "a\udc00b", `${"x".repeat(100)}\udbff`, { "\ud800": 1 }]],
      ["pairs of surrogates", ["😀", "😀".repeat(50)]],
      ["fields named as methods are", { toString: 1, hasOwnProperty: 2, valueOf: 3, toJSON: 4, length: 5 }],
      ["long strings", ["é".repeat(70_000), "日本".repeat(40_000)]],
      [
        "many shapes",
        Array.from({ length: 500 }, (_, i) => ({ [`field${i}`]: i, same: { [`x${i % 7}`]: i } })),
      ],
      ["long lists", Array.from({ length: 70_000 }, (_, i) => i)],
    ])("keeps %s", (_, value) => {
      const [back] = roundTrip([value]);
      expect(back).toStrictEqual(value);
      // `toStrictEqual` does not look at the order of fields.
      if (typeof value === "object" && value !== null)
        expect(Object.keys(back as object)).toEqual(Object.keys(value));
    });

    it("keeps a field named __proto__ a field", () => {
      const [back] = roundTrip([JSON.parse('{"__proto__": {"polluted": -0}, "b": 2}')]) as [object];
      expect(Object.keys(back)).toEqual(["__proto__", "b"]);
      expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
      expect(Object.getOwnPropertyDescriptor(back, "__proto__")?.value).toEqual({ polluted: -0 });
      expect(Reflect.get({}, "polluted")).toBeUndefined();
    });

    it("keeps a field named constructor", () => {
      const values = [{ constructor: 1 }, { constructor: { a: -0 } }, { constructor: "Object", b: 2 }];
      const back = roundTrip(values);
      expect(back).toEqual(values);
      expect(back.map((value) => Object.keys(value as object))).toEqual(
        values.map((value) => Object.keys(value)),
      );
    });

    it("makes plain objects of those without a prototype", () => {
      expect(roundTrip([Object.assign(Object.create(null), { a: 1 })])).toStrictEqual([{ a: 1 }]);
    });

    it("keeps an error's name and message", () => {
      const [back] = roundTrip([new RangeError("too far")]) as [Error];
      expect(back).toBeInstanceOf(Error);
      expect(back.message).toBe("too far");
    });

    class Account {
      balance = 1;
    }
    it.each<[string, unknown, string]>([
      ["functions", () => 1, "a function"],
      ["symbols", Symbol("s"), "a symbol"],
      ["promises", Promise.resolve(1), "a promise"],
      ["instances of classes", new Account(), "an instance of Account"],
      ["weak maps", new WeakMap(), "an instance of WeakMap"],
      ["addresses", new URL("https://example.org"), "an instance of URL"],
      ["boxed numbers", Object(1), "an instance of Number"],
    ])("refuses %s, wherever they are, and says what and where", (_, value, what) => {
      const codec = create();
      for (const [rows, place] of [
        [[1, value], "it is"],
        [[{ a: 1 }, { a: { b: [0, value] } }], "its a.b[1] is"],
        [[new Map([["k", value]])], "its value is"],
        [[new Set([value])], "its item is"],
      ] as const) {
        expect(() => codec.encode(rows)).toThrowError(
          expect.objectContaining({
            code: "VALUE_UNENCODABLE",
            message: expect.stringContaining(`${place} ${what}`),
          }),
        );
      }
      expect(codec.decode(codec.encode(["goes on"]))).toEqual(["goes on"]);
    });

    it("refuses what contains itself, or is nested without end", () => {
      const cycle: unknown[] = [];
      cycle.push({ cycle });
      let deep: unknown = 0;
      for (let i = 0; i < 100_000; i++) deep = [deep];
      for (const value of [cycle, deep]) {
        expect(() => create().encode([value])).toThrowError(
          expect.objectContaining({ code: "VALUE_UNENCODABLE" }),
        );
      }
    });

    it("gives the same bytes for equal values, whatever it encoded before", () => {
      fc.assert(
        fc.property(fc.array(anyValue), fc.array(anyValue), (before, values) => {
          const used = create();
          used.encode(before);
          const copy = structuredClone(values);
          expect(Buffer.compare(used.encode(values), create().encode(copy))).toBe(0);
        }),
      );
    });

    it("gives the same bytes for every NaN: which one an operation makes is up to the processor", () => {
      const other = new Float64Array(new BigUint64Array([0xfff8000000000001n]).buffer)[0];
      const codec = create();
      for (const shape of [(n: unknown) => n, (n: unknown) => ({ a: [n] }), (n: unknown) => new Set([n])]) {
        expect(
          Buffer.compare(codec.encode([1.5, shape(other)]), create().encode([1.5, shape(Number.NaN)])),
        ).toBe(0);
      }
    });

    it("gives back equal values", () => {
      fc.assert(
        fc.property(fc.array(anyValue), (values) => {
          expect(roundTrip(values)).toStrictEqual(structuredClone(values));
        }),
        { numRuns: 300 },
      );
    });

    it("does not change bytes it gave out before", () => {
      const codec = create();
      const first = codec.encode([{ a: "first" }]);
      const copy = Uint8Array.from(first);
      for (let i = 0; i < 200; i++) codec.encode([{ b: "x".repeat(i * 10) }]);
      expect(Buffer.compare(first, copy)).toBe(0);
    });

    it("never crashes on bytes it did not write", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          try {
            expect(Array.isArray(create().decode(bytes))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        }),
      );
    });
  });
}

const anyValue = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  stringUnit: "binary",
  withNullPrototype: false,
  maxDepth: 4,
});
