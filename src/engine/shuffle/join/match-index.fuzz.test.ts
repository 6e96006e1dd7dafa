import fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys } from "../../../base/compare.ts";
import { MatchIndex, MISSING } from "./match-index.ts";
import { END, RowChains } from "./row-chains.ts";

const key = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -40, max: 40 }) },
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(-0, Number.NaN, 2 ** 31, -(2 ** 31), null, undefined, true, 3n),
  fc.string({ unit: "binary", maxLength: 3 }),
  fc.string({ unit: fc.constantFrom("a", "é", "ж"), minLength: 28, maxLength: 40 }),
  fc.tuple(fc.nat(3), fc.string({ maxLength: 1 })),
);

const find = (index: MatchIndex, key: unknown): number =>
  index.locate({ kind: "values", values: [key] }, 1, false)[0]!;
const enter = (index: MatchIndex, key: unknown): number =>
  index.locate({ kind: "values", values: [key] }, 1, true)[0]!;

it("numbers keys as they come, finds those it has, and chains their rows", () => {
  fc.assert(
    fc.property(fc.array(key, { maxLength: 400 }), fc.array(key, { maxLength: 50 }), (entered, asked) => {
      const index = new MatchIndex();
      const chains = new RowChains();
      const keys: unknown[] = [];
      const rows: number[][] = [];
      const known = (wanted: unknown) => keys.findIndex((other) => compareKeys(other, wanted) === 0);
      entered.forEach((one, row) => {
        const before = known(one);
        if (before < 0) rows[keys.push(one) - 1] = [];
        expect(find(index, one)).toBe(before < 0 ? MISSING : before);
        const entry = enter(index, one);
        expect(entry).toBe(known(one));
        rows[entry]!.push(row);
        chains.add(entry, row);
      });
      expect(keys.map((_, entry) => index.keyOf(entry))).toStrictEqual(keys);
      expect(index.keysOf(Uint32Array.from(keys.keys()))).toStrictEqual(keys);
      expect(index.size).toBe(keys.length);
      for (const one of asked) expect(find(index, one)).toBe(known(one));
      rows.forEach((expected, entry) => {
        const got: number[] = [];
        for (let row = chains.first(entry); row !== END; row = chains.next(row)) got.push(row);
        expect(got).toEqual(expected);
      });
      expect(chains.first(keys.length)).toBe(END);
    }),
  );
});

it("goes on finding keys of all kinds while it grows", () => {
  const index = new MatchIndex();
  const keyOf = (i: number): unknown =>
    [i, `text ${i}`, i + 0.5, [i], `a text of more than 32 units ${i}`.padEnd(40)][i % 5];
  for (let i = 0; i < 20_000; i++) expect(enter(index, keyOf(i))).toBe(i);
  for (let i = 0; i < 20_000; i++) expect(find(index, keyOf(i))).toBe(i);
  expect(find(index, 20_001.25)).toBe(MISSING);
  expect(index.size).toBe(20_000);
});
