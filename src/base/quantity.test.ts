import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBytes } from "./quantity.ts";

describe("parseBytes", () => {
  it.each([
    ["1", 1],
    ["1000000", 1_000_000],
    ["7b", 7],
    ["2k", 2_000],
    ["2KB", 2_000],
    ["2KiB", 2_048],
    ["512mib", 512 * 2 ** 20],
    ["1.5 GB", 1_500_000_000],
    ["1.5GiB", 1.5 * 2 ** 30],
    ["3t", 3e12],
    ["1TiB", 2 ** 40],
    ["0.5KiB", 512],
    ["1.0009KB", 1_000],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("reads %j", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each([
    "",
    " ",
    "0",
    "0.4",
    "-1",
    "+1",
    "1e3",
    "1e309",
    "NaN",
    "Infinity",
    "0x10",
    "1 ",
    " 1",
    "1  GB",
    "1.GB",
    ".5GB",
    "1,5GB",
    "1PB",
    "1 G B",
    "GB",
    "1GB\n",
    "9007199254740992",
    "9999999999999999",
    "9007TiB\u0000",
    "8193TiB",
    "١",
    "1.0000000001GB",
    `1${"0".repeat(1_000_000)}`,
  ])("refuses %j", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  it("gives back every whole number of bytes, and nothing but positive safe whole numbers", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (bytes) => {
        expect(parseBytes(String(bytes))).toBe(bytes);
      }),
    );
    const text = fc.string({ unit: fc.constantFrom(..."0123456789. kKmMgGtTiIbBeE-+"), maxLength: 12 });
    fc.assert(
      fc.property(text, (written) => {
        const bytes = parseBytes(written);
        if (bytes !== undefined) expect(Number.isSafeInteger(bytes) && bytes > 0).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});
