import fc from "fast-check";
import { expect, it } from "vitest";
import { hashKey } from "../../../base/hash.ts";
import { AsciiText } from "./ascii-text.ts";

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0", "\x7f"), maxLength: 5 }),
  fc.string({ unit: fc.constantFrom("a", "\x80", "é", "語"), maxLength: 3 }),
  fc.nat(70).map((length) => "x".repeat(length)),
);

it("reads what is short and ASCII, with its hash", () => {
  const read = new AsciiText();
  fc.assert(
    fc.property(text, (given) => {
      const isShort = given.length <= 64 && !/[^\0-\x7f]/.test(given);
      expect(read.read(given)).toBe(isShort);
      if (!isShort) return;
      expect(Buffer.from(read.bytes.subarray(0, read.length)).toString("latin1")).toBe(given);
      expect(read.hash).toBe(hashKey(given));
    }),
  );
});
