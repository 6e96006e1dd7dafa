import fc from "fast-check";
import { expect, test } from "vitest";
import { hashKey } from "../../../base/hash.ts";
import { KeyTable } from "./key-table.ts";

/** Few units, so that keys repeat; latin1 and wider, short and long, with the zero that ends nothing. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0", "é", "ÿ"), maxLength: 4 }),
  fc.string({ unit: fc.constantFrom("a", "Ā", "語", "\ud800"), maxLength: 3 }),
  fc.nat(40).map((length) => "x".repeat(length)),
);

test("numbers keys as a map would, by text or by any key, before and after it was emptied", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(text, { maxLength: 200 }), { maxLength: 3 }),
      fc.boolean(),
      (rounds, mixed) => {
        const table = new KeyTable();
        for (const texts of rounds) {
          const model = new Map<string, number>();
          texts.forEach((key, index) => {
            // Both ways in must agree, whichever came first.
            const entry = mixed && index % 2 === 0 ? table.enter(key, hashKey(key)) : table.enterText(key);
            if (!model.has(key)) model.set(key, model.size);
            expect(entry).toBe(model.get(key));
            expect(table.hashOf(entry)).toBe(hashKey(key));
          });
          expect(table.keys).toEqual([...model.keys()]);
          table.clear();
        }
      },
    ),
  );
});

test("grows far beyond its first size", () => {
  const table = new KeyTable();
  const keys = Array.from({ length: 20_000 }, (_, i) => `key ${i % 10_000}`);
  expect(keys.map((key) => table.enterText(key))).toEqual(keys.map((_, i) => i % 10_000));
});
