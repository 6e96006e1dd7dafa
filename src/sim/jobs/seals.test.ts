import { expect, test } from "vitest";
import { Seals, sealNumber, sealText } from "./seals.ts";

test("what was sealed, and sums of it, are whole", () => {
  const seals = new Seals();
  const [a, b] = [sealNumber(3), sealNumber(99)];
  expect([seals.number(a), seals.number(a + b), seals.number(0)]).toEqual([a, a + b, 0]);
  expect(seals.text(sealText("k3"))).toBe(sealText("k3"));
  seals.text(sealText(""));
  expect(seals.broken).toEqual([]);
});

test("every flipped bit of a number or a text is told", () => {
  for (let bit = 0; bit < 31; bit++) {
    const seals = new Seals();
    seals.number(sealNumber(5) ^ (1 << bit));
    expect(seals.broken).toEqual([expect.stringContaining("S13")]);
  }
  const text = sealText("k3");
  for (let at = 0; at < text.length; at++) {
    const seals = new Seals();
    seals.text(text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1));
    expect(seals.broken).toHaveLength(1);
  }
});

test("what is no number or no text at all is told as well", () => {
  const seals = new Seals();
  seals.number(undefined as unknown as number);
  seals.number(0.5);
  seals.text(7 as unknown as string);
  seals.text("unsealed");
  expect(seals.broken).toHaveLength(4);
});
