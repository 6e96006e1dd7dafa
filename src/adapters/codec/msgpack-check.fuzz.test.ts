import fc from "fast-check";
import { expect, it } from "vitest";
import { checkClaims } from "./msgpack-check.ts";
import { createMsgpackCodec } from "./msgpack-codec.ts";

it.each<[string, number[]]>([
  ["an array of 32 bits", [0xdd, 1, 255, 255, 255]],
  ["a map of 32 bits", [0xdf, 0, 0, 0, 5, 1, 1, 1]],
  ["a small array that is cut off", [0x93, 1]],
  ["arrays inside each other, each of which alone has room", Array(4000).fill([0xdc, 0, 200]).flat()],
  ["an array inside an extension", [0xc7, 5, 1, 0xdd, 1, 255, 255, 255]],
])("refuses %s", (_, claim) => {
  expect(() => checkClaims(Uint8Array.from([0x91, ...claim]))).toThrow(RangeError);
});

it("passes whatever the codec writes", () => {
  const codec = createMsgpackCodec();
  const values = fc.array(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      stringUnit: "binary",
    }),
  );
  fc.assert(
    fc.property(values, (given) => checkClaims(Uint8Array.from(codec.encode(given)))),
    { numRuns: 500 },
  );
  const shapes = Array.from({ length: 500 }, (_, i) => ({ [`field${i}`]: i, same: { [`x${i % 7}`]: "y" } }));
  checkClaims(codec.encode([shapes, new Error("e"), /r/g, 2n ** 500n, "long ".repeat(20_000)]));
});

it("throws nothing but RangeErrors, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        checkClaims(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
    }),
    { numRuns: 1000 },
  );
});
