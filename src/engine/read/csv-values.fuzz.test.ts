import fc from "fast-check";
import { expect, test } from "vitest";
import { booleanOf, numberOf } from "./csv-values.ts";

const whole = (text: string) => numberOf(text, 0, text.length);

test("numbers come out as JavaScript reads them", () => {
  const digits = fc.stringMatching(/^[0-9]{0,18}$/);
  const decimal = fc
    .tuple(
      fc.constantFrom("", "-", "+"),
      digits,
      fc.constantFrom("", ".", ".."),
      digits,
      fc.constantFrom("", "e5", "E-7", "e400"),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(decimal, fc.double().map(String), fc.integer().map(String)), (text) => {
      const value = Number(text);
      const isNumber = /\d/.test(text) && Number.isFinite(value);
      expect(whole(text)).toBe(text === "" ? null : isNumber ? value : Number.NaN);
      expect(numberOf(`1${text}2`, 1, 1 + text.length)).toBe(whole(text));
    }),
    { numRuns: 5000 },
  );
});

test.each([
  "0x10",
  "0b1",
  " 1",
  "1 ",
  "1_000",
  "1,5",
  "Infinity",
  "NaN",
  "-",
  ".",
  "1e",
  "1e309",
  "١",
  "--1",
  "1-",
])("%j is no number", (text) => expect(whole(text)).toBeNaN());

test.each([
  ["", null],
  ["true", true],
  ["TRUE", true],
  ["1", true],
  ["False", false],
  ["0", false],
  ["yes", undefined],
  [" true", undefined],
  ["2", undefined],
])("%j as a boolean is %s", (text, expected) => expect(booleanOf(text)).toBe(expected));
