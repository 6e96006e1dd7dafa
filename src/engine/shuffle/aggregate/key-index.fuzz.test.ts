import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareKeys, sameKey } from "../../../base/compare.ts";
import { hashKey } from "../../../base/hash.ts";
import { estimateBytes } from "../estimate.ts";
import { HELD_MAX, HeldKeys } from "./held-keys.ts";
import { type KeyColumn, KeyIndex } from "./key-index.ts";
import { sortedEntries } from "./sorted-entries.ts";

/** Few units, so that keys repeat; short and long, with the zero that ends nothing, and beyond ASCII. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0", "\x7f"), maxLength: 18 }),
  fc.string({ unit: fc.constantFrom("a", "é", "語", "\ud800"), maxLength: 3 }),
  fc.nat(40).map((length) => "x".repeat(length)),
);
const number = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, 0, Number.NaN, 2 ** 31, -(2 ** 31), 2 ** 53, 0.5, Number.POSITIVE_INFINITY),
  fc.double(),
);
const other = fc.oneof(
  fc.constantFrom(undefined, null, true, false, 0n),
  fc.array(fc.nat(2), { maxLength: 2 }),
  fc.nat(3).map((ms) => new Date(ms)),
);
const lists = fc.oneof(
  fc.array(text, { maxLength: 100 }),
  fc.array(number, { maxLength: 100 }),
  fc.array(fc.oneof(text, number, other), { maxLength: 100 }),
);

const isAscii = (key: unknown): key is string => typeof key === "string" && !/[^\0-\x7f]/.test(key);

/** The same key in another form, where there is one. */
function enter(index: KeyIndex, key: unknown, asBytes: boolean): number {
  if (!asBytes || !isAscii(key)) return index.enter(key);
  return index.enterAscii(Buffer.from(`<${key}>`, "latin1"), 1, 1 + key.length);
}

function valuesOf(column: KeyColumn): unknown[] {
  if (!("lengths" in column)) return Array.from(column);
  let at = 0;
  return Array.from(column.lengths, (length) => {
    at += length;
    return Buffer.from(column.bytes.subarray(at - length, at)).toString("latin1");
  });
}

describe("an index of keys", () => {
  it("numbers keys by first arrival, in any form, before and after it was emptied", () => {
    fc.assert(
      fc.property(
        fc.array(lists, { maxLength: 3 }),
        fc.boolean(),
        fc.nat(5000),
        (rounds, mixed, reserved) => {
          const index = new KeyIndex();
          for (const keys of rounds) {
            index.reserve(reserved);
            const model: unknown[] = [];
            for (const [turn, key] of keys.entries()) {
              let expected = model.findIndex((known) => sameKey(known, key));
              expect(index.find(key)).toBe(expected);
              if (expected === -1) expected = model.push(key) - 1;
              expect(enter(index, key, mixed && turn % 2 === 0)).toBe(expected);
            }
            expect(index.size).toBe(model.length);
            for (const [entry, key] of model.entries()) {
              expect(index.keyOf(entry)).toStrictEqual(key);
              expect(index.hashOf(entry)).toBe(hashKey(key));
              expect(index.estimateOf(entry)).toBe(estimateBytes(key));
            }
            const backwards = Uint32Array.from(model, (_, entry) => model.length - 1 - entry);
            expect(valuesOf(index.columnOf(backwards))).toStrictEqual([...model].reverse());
            const sorted = Array.from(sortedEntries(index), (entry) => index.keyOf(entry));
            // Boxed: `sort` has an order of its own for undefined.
            const boxed = model.map((key) => ({ key })).sort((a, b) => compareKeys(a.key, b.key));
            expect(sorted).toStrictEqual(boxed.map(({ key }) => key));
            index.clear();
          }
        },
      ),
    );
  });

  it("finds the keys that are held, and only those it has", () => {
    const short = fc.oneof(
      fc.string({ unit: fc.constantFrom("a", "b", "\0"), maxLength: 16 }),
      // The same but for their last characters.
      fc
        .tuple(fc.nat({ max: 3 }), fc.constantFrom("b", "c", "bc"))
        .map(([n, end]) => "a".repeat(12 + n) + end)
        .map((t) => t.slice(0, 16)),
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(short, number)),
        fc.array(short, { maxLength: HELD_MAX }),
        (before, texts) => {
          const index = new KeyIndex();
          for (const key of before) index.enter(key);
          const known = new Map(before.map((key) => [key, index.enter(key)]));
          const { size } = index;
          const held = new HeldKeys();
          for (const [row, text] of texts.entries()) expect(held.hold(text, 0, row)).toBe(true);
          index.findHeld(held);
          expect(index.size).toBe(size);
          expect([...held.entries.subarray(0, held.count)]).toEqual(
            texts.map((text) => known.get(text) ?? -1),
          );
          expect(texts.map((_, i) => index.enterHeld(held, i))).toEqual(
            texts.map((text) => index.enter(text)),
          );
        },
      ),
    );
  });

  it("grows far beyond its first size, with keys of all kinds", () => {
    const index = new KeyIndex();
    const keys = Array.from({ length: 30_000 }, (_, i) => {
      const id = i % 10_000;
      return id % 3 === 0
        ? `key ${id}`
        : id % 3 === 1
          ? id * (id % 2 === 0 ? 1 : 0.1)
          : `a longer key, ${id}`;
    });
    expect(keys.map((key) => index.enter(key))).toEqual(keys.map((_, i) => i % 10_000));
    expect(valuesOf(index.columnOf(Uint32Array.from([0, 9999, 5])))).toEqual([keys[0], keys[9999], keys[5]]);
  });

  it("refuses what cannot be a key", () => {
    const index = new KeyIndex();
    expect(() => index.enter(() => 1)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
    expect(() => index.find(() => 1)).toThrow(expect.objectContaining({ code: "KEY_INVALID" }));
    expect(index.size).toBe(0);
  });
});
