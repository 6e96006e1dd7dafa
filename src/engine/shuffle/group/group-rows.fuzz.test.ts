import fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys, sameKey } from "../../../base/compare.ts";
import { GroupFrame } from "./group-frame.ts";
import { type GroupCursor, GroupRows } from "./group-rows.ts";

const key = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "é"), maxLength: 2 }),
  fc.constantFrom("a key that does not lie in its slot", "one more that does not", 0, -0, 2.5, null),
);
const number = fc.oneof(
  fc.nat(9),
  fc.constantFrom(-0, Number.NaN, 2 ** 31, -(2 ** 31), 0.5, Number.POSITIVE_INFINITY),
);
const value = fc.oneof(
  { weight: 20, arbitrary: number },
  { weight: 1, arbitrary: fc.constantFrom("text", null) },
);
const pairs = fc.oneof(
  fc.array(fc.tuple(key, fc.nat(9)), { maxLength: 60 }),
  fc.array(fc.tuple(key, number), { maxLength: 60 }),
  fc.array(fc.tuple(key, value), { maxLength: 60 }),
);
type Pairs = readonly (readonly [unknown, unknown])[];

/** Groups by key, in key order, of a key that comes in several forms the first. */
function grouped(rows: Pairs): [unknown, unknown[]][] {
  const groups: [unknown, unknown[]][] = [];
  for (const [each, of] of rows) {
    const known = groups.find(([other]) => sameKey(other, each));
    if (known === undefined) groups.push([each, [of]]);
    else known[1].push(of);
  }
  return groups.sort(([a], [b]) => compareKeys(a, b));
}

/** What a cursor gives, of each group so many rows one by one and the others together. */
function read(cursor: GroupCursor, apart: number): [unknown, unknown[]][] {
  const groups: [unknown, unknown[]][] = [];
  let left = 0;
  let last: unknown[] | undefined;
  while (cursor.next()) {
    if (last === undefined || !sameKey(groups.at(-1)?.[0], cursor.key)) {
      last = [];
      groups.push([cursor.key, last]);
      left = apart;
    }
    if (left-- > 0) last.push(cursor.value);
    else last.push(...cursor.restOfKey());
  }
  return groups;
}

it("brings the values of a key together, in their order, also when it is used again", () => {
  fc.assert(
    fc.property(fc.array(pairs, { minLength: 1, maxLength: 3 }), fc.nat(3), (rounds, apart) => {
      const rows = new GroupRows();
      for (const round of rounds) {
        for (const [each, of] of round) rows.add(each, of);
        expect(rows.rows).toBe(round.length);
        expect(read(rows.sorted(), apart)).toStrictEqual(grouped(round));
        rows.clear();
        expect([rows.rows, rows.bytes]).toEqual([0, 0]);
      }
    }),
  );
});

it("takes a frame of columns as it takes its rows, and stops where the memory ends", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 3 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, number), { minLength: 1, maxLength: 60 }),
      fc.nat(4000),
      (given, bytesMax) => {
        const lengths = Uint32Array.from(given, ([each]) => each.length);
        const bytes = Buffer.from(given.map(([each]) => each).join(""));
        const numbers = Float64Array.from(given, ([, of]) => of);
        const texts = { kind: "text", encoding: "ascii", bytes, lengths } as const;
        const asValues = { kind: "values", values: given.map(([each]) => each) } as const;
        for (const keys of [texts, asValues]) {
          for (const values of [
            { kind: "numbers", numbers },
            { kind: "values", values: [...numbers] },
          ] as const) {
            const frame = new GroupFrame({ rows: given.length, keys, values });
            const rows = new GroupRows();
            const model = new GroupRows();
            let taken = 0;
            while (!frame.isDone) {
              const isFull = frame.addTo(rows, bytesMax);
              for (; taken < given.length && model.bytes < Math.max(bytesMax, 1); taken++)
                model.add(...given[taken]!);
              expect(isFull).toBe(model.bytes >= bytesMax);
              expect(read(rows.sorted(), 1)).toStrictEqual(read(model.sorted(), 0));
              rows.clear();
              model.clear();
            }
            expect(taken).toBe(given.length);
          }
        }
      },
    ),
  );
});

it("has room for many rows of many keys", () => {
  const rows = new GroupRows();
  const given = Array.from({ length: 50_000 }, (_, i): [string, number] => [`key ${(i * 7919) % 5000}`, i]);
  for (const [each, of] of given) rows.add(each, of);
  rows.add("key 1", "text");
  const byKey = new Map<string, unknown[]>();
  for (const [each, of] of given) byKey.set(each, [...(byKey.get(each) ?? []), of]);
  const expected = [...byKey];
  expected.find(([each]) => each === "key 1")?.[1].push("text");
  expect(read(rows.sorted(), 0)).toEqual(expected.sort(([a], [b]) => (a < b ? -1 : 1)));
});
