import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "../../../base/prng.ts";
import type { TextBytes } from "./column.ts";
import { type Dictionary, findDictionary, findTextDictionary } from "./dictionary.ts";

const asBytes = (values: readonly string[]): TextBytes => ({
  bytes: Buffer.from(values.join(""), "latin1"),
  lengths: Uint32Array.from(values, ({ length }) => length),
});

/** Each as frequent as the others, in no order. */
function drawn(rows: number, different: number): string[] {
  const prng = new Prng(`dictionary/${rows}/${different}`);
  return Array.from({ length: rows }, () => `region-${Math.floor(prng.next() * different)}`);
}

const backOf = ({ entries, codes }: Dictionary): string[] =>
  Array.from(codes, (code) => entries[code] as string);

describe("a dictionary", () => {
  it("is found for texts that are few, however they are mixed", () => {
    for (const different of [1, 7, 20, 50]) {
      const values = drawn(4096, different);
      const dictionary = findDictionary(values);
      expect(dictionary?.entries.length).toBe(different);
      expect(findTextDictionary(asBytes(values))).toEqual(dictionary);
    }
  });

  it("is not looked for where they are many, and not kept where rows are few", () => {
    for (const [rows, different] of [
      [4096, 2000],
      [40, 20],
      [3, 1],
    ] as const) {
      expect(findDictionary(drawn(rows, different))).toBeUndefined();
      expect(findTextDictionary(asBytes(drawn(rows, different)))).toBeUndefined();
    }
  });

  it("gives back every text, and is the same for strings and for bytes", () => {
    const text = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("", "a", "b", "\0", "\x7f", "region") },
      fc.nat(300).map((id) => `n${id}`),
    );
    const texts = fc.array(text, { maxLength: 1200, size: "max" });
    fc.assert(
      fc.property(texts, (values) => {
        const dictionary = findDictionary(values);
        expect(findTextDictionary(asBytes(values))).toEqual(dictionary);
        if (dictionary === undefined) return;
        expect(backOf(dictionary)).toEqual(values);
        expect(dictionary.entries).toEqual([...new Set(values)]);
        expect(dictionary.entries.length * 4).toBeLessThanOrEqual(values.length);
      }),
      { numRuns: 200 },
    );
  });
});
