import fc from "fast-check";
import { expect, it } from "vitest";
import { hashKey, partitionOf } from "../../base/hash.ts";
import { PlainWordTable } from "./plain-word-table.ts";
import { createWasmWordTable } from "./wasm-word-table.ts";
import { type ColumnLimits, WordCounter } from "./word-counter.ts";
import { BLOCK_BYTES, isRunByte, type TableLimits, WORDS, type WordTable } from "./word-table.ts";
import { wordsOf } from "./words-of.ts";

interface Case {
  readonly tableLimits: TableLimits;
  readonly columnLimits: ColumnLimits;
  readonly partitions: number;
}

/** Everything that a counter hands out, in order, and what it says at the end. */
function run(table: WordTable, bytes: Uint8Array, cuts: readonly number[], given: Case) {
  const events: unknown[] = [];
  const counter = new WordCounter({
    ...given,
    table,
    onWord: (word) => events.push(word),
    onColumns: (partition, { keys, lengths, counts }) => {
      let at = 0;
      const rows = [...lengths].map((length, row) => {
        at += length;
        return [Buffer.from(keys.subarray(at - length, at)).toString(), counts[row]];
      });
      expect(at).toBe(keys.length);
      events.push({ partition, rows });
    },
  });
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const isInside = cut > 0 && isRunByte(bytes[cut - 1]!, WORDS) && isRunByte(bytes[cut] ?? 0, WORDS);
    if (cut < from || cut >= bytes.length || isInside) continue;
    counter.add(bytes, from, cut);
    from = cut;
  }
  counter.add(bytes, from, bytes.length);
  counter.flush();
  return { events, words: counter.words, lines: counter.lines };
}

const cases: fc.Arbitrary<Case> = fc.record({
  tableLimits: fc.record({
    entriesMax: fc.integer({ min: 1, max: 30 }),
    bytesMax: fc.integer({ min: 1, max: 3000 }),
    entryBytes: fc.constant(72),
  }),
  columnLimits: fc.record({
    rowsMax: fc.integer({ min: 1, max: 10 }),
    bytesMax: fc.integer({ min: 1, max: 500 }),
    rowBytes: fc.constant(32),
  }),
  partitions: fc.integer({ min: 1, max: 5 }),
});

const word = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom("a", "The", "the", "x1", "count", "an-other", "internationalisation"),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom("Größe", "ΣΑΣ", "“quoted”", "日本", "naïve", "\u{FEFF}x", "\u{212A}elvin"),
  },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom("y".repeat(1030), "é".repeat(700)) },
);
const text = fc
  .array(fc.tuple(word, fc.constantFrom(" ", "\n", "\r\n", ", ", "_")), { maxLength: 80 })
  .map((parts) => parts.flat().join(""));

const tables: readonly (readonly [string, () => WordTable])[] = [
  ["plain", () => new PlainWordTable()],
  ["wasm", () => createWasmWordTable() ?? new PlainWordTable()],
];

it.each(tables)("%s: counts what the words of the text are, each in its partition", (_, create) => {
  const table = create();
  fc.assert(
    fc.property(text, cases, (whole, given) => {
      const { events, words, lines } = run(table, Buffer.from(whole), [], given);
      const counts = new Map<string, number>();
      const add = (key: string, count: number) => counts.set(key, (counts.get(key) ?? 0) + count);
      for (const event of events) {
        if (typeof event === "string") {
          add(event, 1);
          continue;
        }
        const { partition, rows } = event as { partition: number; rows: [string, number][] };
        expect(rows.length).toBeGreaterThan(0);
        expect(rows.length).toBeLessThanOrEqual(given.columnLimits.rowsMax);
        for (const [key, count] of rows) {
          expect(partitionOf(hashKey(key), given.partitions)).toBe(partition);
          add(key, count);
        }
      }
      const expected = new Map<string, number>();
      const all = wordsOf(whole);
      for (const each of all) expected.set(each, (expected.get(each) ?? 0) + 1);
      expect(new Map([...counts].sort())).toEqual(new Map([...expected].sort()));
      expect({ words, lines }).toEqual({ words: all.length, lines: whole.split("\n").length - 1 });
    }),
    { numRuns: 300 },
  );
});

it("hands out the same in the same order, whichever table counts and however the bytes are cut", () => {
  const [plain, wasm] = tables.map(([, create]) => create()) as [WordTable, WordTable];
  const bytes = fc.oneof(
    { weight: 3, arbitrary: text.map((whole) => Buffer.from(whole)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 500 }) },
  );
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(3000)), cases, (whole, cuts, given) => {
      const expected = run(plain, whole, [], given);
      expect(run(wasm, whole, [], given)).toEqual(expected);
      expect(run(plain, whole, cuts, given)).toEqual(expected);
      expect(run(wasm, whole, cuts, given)).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

it.each(tables)("%s: takes more than a block at once, and runs longer than one", (_, create) => {
  const given: Case = {
    tableLimits: { entriesMax: 1000, bytesMax: 1 << 24, entryBytes: 72 },
    columnLimits: { rowsMax: 100, bytesMax: 10_000, rowBytes: 32 },
    partitions: 2,
  };
  const giant = "g".repeat(3 * BLOCK_BYTES);
  const many = Array.from({ length: 40_000 }, (_, i) => `w${i % 700}`).join(" ");
  const { events, words, lines } = run(create(), Buffer.from(`${many}\n${giant} ${many}ü\nend`), [], given);
  expect({ words, lines }).toEqual({ words: 80_002, lines: 2 });
  expect(events.filter((event) => typeof event === "string")).toEqual([giant, "w99ü"]);
});

it("hands out the same of far more words than a table begins with room for", () => {
  const given: Case = {
    tableLimits: { entriesMax: 15_000, bytesMax: 1 << 24, entryBytes: 72 },
    columnLimits: { rowsMax: 1000, bytesMax: 100_000, rowBytes: 32 },
    partitions: 3,
  };
  const words = Array.from({ length: 60_000 }, (_, i) => {
    const number = (i * 7919) % 20_011;
    return number % 5 === 0 ? `a rather${number}longword` : `w${number % 3 === 0 ? i % 50 : number}`;
  });
  const bytes = Buffer.from(words.join(" "));
  const [plain, wasm] = tables.map(([, create]) => run(create(), bytes, [], given));
  expect(wasm).toEqual(plain);
  expect(plain?.words).toBe(words.join(" ").split(" ").length);
});
