import { expect, it } from "vitest";
import { wordsOf } from "./words-of.ts";

it.each([
  ["", []],
  ["  \t--", []],
  ["The quick-brown FOX's 2nd", ["the", "quick", "brown", "fox", "s", "2nd"]],
  ["Ünïcode Straße naïve", ["ünïcode", "straße", "naïve"]],
  ["e\u0301tude “Quoted”", ["e\u0301tude", "quoted"]],
  ["ὈΔΥΣΣΕΎΣ ΟΔΟΣ.ΑΒ", ["ὀδυσσεύς", "οδος", "αβ"]],
  ["日本 ٣٤ \u{1D7D8}\u{10400}", ["日本", "٣٤", "\u{1D7D8}\u{10428}"]],
  ["snake_case\u{FEFF}x \u212A", ["snake", "case", "x", "k"]],
])("finds the words of %j", (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

it("finds the same words whether case goes before or after, for every character", () => {
  const whole = /^[\p{L}\p{M}\p{N}]*$/u;
  const none = /^[^\p{L}\p{M}\p{N}]*$/u;
  for (let point = 0; point < 0x110000; point++) {
    const character = String.fromCodePoint(point);
    const lower = character.toLowerCase();
    if (lower === character) continue;
    if (whole.test(character) ? whole.test(lower) : none.test(lower)) continue;
    expect.fail(`U+${point.toString(16)} becomes something else`);
  }
});
