import fc from "fast-check";
import { expect, it } from "vitest";
import { hashKey } from "../../base/hash.ts";
import { PlainWordTable } from "./plain-word-table.ts";
import { createWasmWordTable } from "./wasm-word-table.ts";
import {
  isRunByte,
  TABLE_ENTRIES_MAX,
  type TableLimits,
  WORD_BYTES_MAX,
  WORDS,
  type WordTable,
} from "./word-table.ts";

/** What a table shows after some bytes; views copied. */
interface Shown {
  readonly taken: number;
  readonly words: number;
  readonly lines: number;
  readonly rest: string;
  readonly isFull: boolean;
  readonly entries: readonly { word: string; count: number; hash: number }[];
}

function show(table: WordTable, taken: number): Shown {
  const { words, lines, isFull, entries } = table;
  const rest = Buffer.from(table.rest).toString("latin1");
  const { hashes, lengths } = table.describe();
  const numbers = Uint32Array.from({ length: entries }, (_, entry) => entry);
  const { keys, counts } = table.gather(numbers);
  let at = 0;
  const list = [...numbers].map((entry) => {
    const end = at + lengths[entry]!;
    const word = Buffer.from(keys.subarray(at, end)).toString("latin1");
    at = end;
    return { word, count: counts[entry]!, hash: hashes[entry]! };
  });
  expect(at).toBe(keys.length);
  return { taken, words, lines, rest, isFull, entries: list };
}

/** The same in the plainest way, over a string of bytes. */
function naive(text: string, { entriesMax, bytesMax, entryBytes }: TableLimits): Shown {
  const found = new Map<string, number>();
  let taken = text.length;
  let [bytes, words, rest, isFull] = [0, 0, "", false];
  for (const run of text.matchAll(/[a-zA-Z0-9\x80-\xff]+/g)) {
    const word = run[0];
    if (/[\x80-\xff]/.test(word) || word.length > WORD_BYTES_MAX) {
      rest += `${word}\n`;
      continue;
    }
    words++;
    const key = word.toLowerCase();
    if (!found.has(key)) bytes += entryBytes + key.length;
    found.set(key, (found.get(key) ?? 0) + 1);
    isFull = found.size >= entriesMax || bytes >= bytesMax;
    taken = isFull ? run.index + word.length : taken;
    if (isFull) break;
  }
  const lines = text.slice(0, taken).split("\n").length - 1;
  const entries = [...found].map(([word, count]) => ({ word, count, hash: hashKey(word) }));
  return { taken, words, lines, rest, isFull, entries };
}

const limits: TableLimits = { entriesMax: 1 << 17, bytesMax: 1 << 24, entryBytes: 72 };
const smallLimits: fc.Arbitrary<TableLimits> = fc.record({
  entriesMax: fc.integer({ min: 1, max: 12 }),
  bytesMax: fc.integer({ min: 1, max: 400 }),
  entryBytes: fc.integer({ min: 0, max: 40 }),
});

const letters = fc.constantFrom(..."abzAZ019");
const word = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: letters, minLength: 1, maxLength: 3 }) },
  { weight: 2, arbitrary: fc.string({ unit: letters, minLength: 14, maxLength: 35 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: letters, minLength: WORD_BYTES_MAX - 2, maxLength: WORD_BYTES_MAX + 2 }),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom("a", "Z", "\x80", "\xc3", "\xff"), maxLength: 20 }),
  },
);
/** The neighbours of letters and digits, too. */
const between = fc.string({ unit: fc.constantFrom(..." \n\r\t/:@[`{_\0\x7f"), maxLength: 3 });
const text = fc.oneof(
  fc.array(fc.tuple(word, between), { maxLength: 60 }).map((parts) => parts.flat().join("")),
  fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  fc.uint8Array({ maxLength: 700, max: 0x7f }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

const wasm = createWasmWordTable();
const tables: readonly [string, WordTable][] = [
  ["plain", new PlainWordTable()],
  ...(wasm === undefined ? [] : [["wasm", wasm] as [string, WordTable]]),
];

it("runs in WebAssembly here: else only the twin is tested", () => {
  expect(wasm).toBeDefined();
});

it.each(tables)(
  "%s: counts as a regular expression does, also used again, and where it is full",
  (_, table) => {
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 3 }),
        fc.oneof(fc.constant(limits), smallLimits),
        fc.nat(70),
        (texts, given, shift) => {
          for (const each of texts) {
            const bytes = Buffer.from(`${"x".repeat(shift)}${each}`, "latin1");
            table.clear(given);
            const taken = table.take(bytes, shift, bytes.length);
            expect(show(table, taken - shift)).toEqual(naive(each, given));
          }
        },
      ),
      { numRuns: 300 },
    );
  },
);

it.each(tables)("%s: counts runs of any other class, as they are written", (_, table) => {
  const members = fc.uniqueArray(fc.integer({ min: 0x20, max: 0x7e }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(text, members, smallLimits, (given, codes, small) => {
      const isMember = Array.from({ length: 128 }, (_, code) => codes.includes(code));
      const bytes = Buffer.from(given, "latin1");
      table.clear(
        { ...small, entriesMax: 1 << 17, bytesMax: 1 << 24 },
        { members: isMember, isLowered: false, joinsHigh: false },
      );
      table.take(bytes, 0, bytes.length);
      const runs = [...given]
        .map((c) => (codes.includes(c.charCodeAt(0)) ? c : "\0"))
        .join("")
        .split("\0");
      const found = new Map<string, number>();
      for (const run of runs.filter((each) => each !== "" && each.length <= WORD_BYTES_MAX)) {
        found.set(run, (found.get(run) ?? 0) + 1);
      }
      const shown = show(table, bytes.length);
      expect(new Map(shown.entries.map(({ word, count }) => [word, count]))).toEqual(found);
      expect(shown.rest).toBe(
        runs
          .filter((each) => each.length > WORD_BYTES_MAX)
          .map((each) => `${each}\n`)
          .join(""),
      );
      table.clear(limits);
    }),
  );
});

it.each(tables)("%s: gives the same whether a text comes at once or in parts", (_, table) => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(800)), (whole, places) => {
      const bytes = Buffer.from(whole, "latin1");
      table.clear(limits);
      let [words, lines, rest, from] = [0, 0, "", 0];
      for (const place of [...places.sort((a, b) => a - b), bytes.length]) {
        const inside =
          place > 0 && isRunByte(bytes[place - 1]!, WORDS) && isRunByte(bytes[place] ?? 0, WORDS);
        if (place < from || place > bytes.length || inside) continue;
        expect(table.take(bytes, from, place)).toBe(place);
        words += table.words;
        lines += table.lines;
        rest += Buffer.from(table.rest).toString("latin1");
        from = place;
      }
      const { entries } = show(table, bytes.length);
      expect({ words, lines, rest, entries }).toEqual(
        (({ words, lines, rest, entries }) => ({ words, lines, rest, entries }))(naive(whole, limits)),
      );
    }),
  );
});

it.each(tables)("%s: holds as many words as it may, short and long", (_, table) => {
  const entriesMax = TABLE_ENTRIES_MAX;
  for (const prefix of ["", "a long word of many letters ".replaceAll(" ", "")]) {
    table.clear({ entriesMax, bytesMax: 1 << 26, entryBytes: 72 });
    for (let first = 0; first < entriesMax; first += 1024) {
      const words = Array.from({ length: 1024 }, (_, i) => `${prefix}${first + i}`);
      const bytes = Buffer.from(`${words.join(" ")} ${words.join(" ")}\n`);
      const end = table.take(bytes, 0, bytes.length);
      expect(end === bytes.length).toBe(first + 1024 < entriesMax);
    }
    expect(table.isFull).toBe(true);
    const { hashes, lengths } = table.describe();
    for (const entry of [0, 1, 77_777, entriesMax - 1]) {
      expect(hashes[entry]).toBe(hashKey(`${prefix}${entry}`));
      expect(lengths[entry]).toBe(`${prefix}${entry}`.length);
    }
    const { keys, counts } = table.gather(Uint32Array.of(entriesMax - 1, 5));
    expect(Buffer.from(keys).toString()).toBe(`${prefix}${entriesMax - 1}${prefix}5`);
    expect([...counts]).toEqual([1, 2]);
  }
});
