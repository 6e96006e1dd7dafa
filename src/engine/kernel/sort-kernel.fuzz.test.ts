import fc from "fast-check";
import { expect, it } from "vitest";
import { assert } from "../../base/assert.ts";
import { PlainSortKernel } from "./plain-sort-kernel.ts";
import {
  EMIT,
  ENTRY_BYTES,
  GROUP_WORDS,
  KEY_KIND,
  MERGE,
  MERGE_BYTES,
  MERGED,
  PAD_BYTES,
  SMALL_ROWS,
  SOURCE,
  SOURCE_BYTES,
  SOURCE_STATE,
  type SortKernel,
} from "./sort-kernel.ts";
import { createWasmSortKernel } from "./wasm-sort-kernel.ts";

const wasm = createWasmSortKernel();
assert(wasm !== undefined, "this machine has WebAssembly with SIMD");
const { base } = wasm;
const plain = new PlainSortKernel();

/** Gives out room in a kernel's memory, one area after the other. */
class Room {
  readonly kernel: SortKernel;
  #end = base;

  constructor(kernel: SortKernel) {
    this.kernel = kernel;
  }

  take(bytes: number): number {
    const at = this.#end;
    this.#end += Math.ceil((bytes + PAD_BYTES) / 8) * 8;
    this.kernel.reserve(this.#end);
    return at;
  }

  put(bytes: Uint8Array): number {
    const at = this.take(bytes.length);
    this.kernel.bytes.set(bytes, at);
    return at;
  }

  putWords(words: readonly number[]): number {
    const at = this.take(4 * words.length);
    this.kernel.words.set(words, at / 4);
    return at;
  }

  words(at: number, count: number): number[] {
    return [...this.kernel.words.subarray(at / 4, at / 4 + count)];
  }
}

interface Texts {
  readonly starts: number;
  readonly ends: number;
  readonly rows: number;
}

function putTexts(room: Room, texts: readonly Uint8Array[]): Texts {
  let at = room.put(Buffer.concat(texts));
  const starts: number[] = [];
  const ends: number[] = [];
  for (const { length } of texts) {
    starts.push(at);
    at += length;
    ends.push(at);
  }
  return { starts: room.putWords(starts), ends: room.putWords(ends), rows: texts.length };
}

function order(room: Room, { starts, ends, rows }: Texts, descending: boolean): number {
  const index = room.take(4 * rows);
  room.kernel.order(
    starts,
    ends,
    rows,
    descending ? 1 : 0,
    index,
    room.take(4 * rows),
    room.take(4 * rows),
    room.take(4 * rows),
    room.take(8 * rows),
    room.take(4 * GROUP_WORDS * (Math.ceil(rows / SMALL_ROWS) + 1)),
  );
  return index;
}

const byte = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 0x61, 0x62) },
  { arbitrary: fc.nat(255), weight: 1 },
);
const text = fc.oneof(
  fc.array(byte, { maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  fc.array(byte, { maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
  // A hot prefix, longer than one look at a key.
  fc
    .array(byte, { maxLength: 10 })
    .map((bytes) => Buffer.concat([Buffer.alloc(17, "h"), Buffer.from(bytes)])),
);
const few = fc.array(text, { maxLength: 40 });
/** Enough rows for the digits, with many equal ones. */
const many = fc
  .tuple(
    fc.array(text, { minLength: 1, maxLength: 30 }),
    fc.array(fc.nat(29), { minLength: 200, maxLength: 600 }),
  )
  .map(([texts, picks]) => picks.map((pick) => texts[pick % texts.length] as Buffer));

const sortedPlainly = (texts: readonly Buffer[], descending: boolean): number[] =>
  texts
    .map((_, row) => row)
    .sort((a, b) => (descending ? -1 : 1) * Buffer.compare(texts[a] as Buffer, texts[b] as Buffer) || a - b);

it("orders rows stably by their bytes, both ways, as its twin does", () => {
  fc.assert(
    fc.property(fc.oneof(few, many), fc.boolean(), (texts, descending) => {
      for (const kernel of [wasm, plain]) {
        const room = new Room(kernel);
        const index = order(room, putTexts(room, texts), descending);
        expect(room.words(index, texts.length)).toEqual(sortedPlainly(texts, descending));
      }
    }),
    { numRuns: 1000 },
  );
});

it("orders random records of many rows", () => {
  const random = fc.uint8Array({ minLength: 30_000, maxLength: 30_000 });
  fc.assert(
    fc.property(random, fc.integer({ min: 1, max: 3 }), fc.boolean(), (bytes, width, descending) => {
      const texts: Buffer[] = [];
      for (let at = 0; at + width <= bytes.length; at += width)
        texts.push(Buffer.from(bytes.subarray(at, at + width)));
      const room = new Room(wasm);
      const index = order(room, putTexts(room, texts), descending);
      expect(room.words(index, texts.length)).toEqual(sortedPlainly(texts, descending));
    }),
    { numRuns: 10 },
  );
});

it("finds lines as its twin does, any number at a time", () => {
  const pieces = fc.array(fc.constantFrom("", "a", "bc", "\r", "\n", "\r\n", "0123456789abcdefghij"), {
    maxLength: 30,
  });
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 8 }), (parts, rowsMax) => {
      const bytes = Buffer.from(parts.join(""));
      const found = [wasm, plain].map((kernel) => {
        const room = new Room(kernel);
        const from = room.put(bytes);
        const [starts, ends, figures] = [room.take(4 * rowsMax), room.take(4 * rowsMax), room.take(8)];
        const lines: string[] = [];
        for (let at = from; at < from + bytes.length; ) {
          const rows = kernel.scanLines(at, from + bytes.length, starts, ends, 0, rowsMax, figures);
          const [first, last] = [room.words(starts, rows), room.words(ends, rows)];
          for (let row = 0; row < rows; row++)
            lines.push(kernel.bytes.toString("latin1", first[row], last[row]));
          at = room.words(figures, 1)[0] as number;
        }
        return lines;
      });
      const lines = bytes.toString("latin1").split(/\r?\n/);
      // Behind the last line feed nothing begins; a last line without one keeps its carriage return.
      if (lines.at(-1) === "") lines.pop();
      expect(found).toEqual([lines, lines]);
    }),
    { numRuns: 1000 },
  );
});

it("classifies text as its twin does", () => {
  const bytes = fc.array(fc.oneof(fc.constantFrom(0x61, 0x61, 0xed, 0x9f, 0xa0), fc.nat(255)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(bytes, (given) => {
      const [one, other] = [wasm, plain].map((kernel) => {
        const at = new Room(kernel).put(Buffer.from(given));
        return kernel.classify(at, at + given.length);
      });
      expect(one).toBe(other);
      expect(one === 0).toBe(given.every((each) => each < 0x80));
    }),
    { numRuns: 1000 },
  );
});

it("finds keys that are slices of their rows, and only those", () => {
  const cut = (row: Buffer, offset: number, length: number): Buffer => row.subarray(offset, offset + length);
  const cases = fc.tuple(
    fc.array(text, { minLength: 1, maxLength: 10 }),
    fc.nat(4),
    fc.nat(5),
    fc.array(text, { maxLength: 1 }),
  );
  fc.assert(
    fc.property(cases, ([rows, offset, length, other]) => {
      const keys = rows.map((row) => cut(row, offset, length));
      if (other[0] !== undefined) keys[0] = other[0];
      for (const kernel of [wasm, plain]) {
        const room = new Room(kernel);
        const [row, key] = [putTexts(room, rows), putTexts(room, keys)];
        const figures = room.take(8);
        const found = kernel.findSlice(row.starts, row.ends, key.starts, key.ends, rows.length, figures);
        const [from, bytes] = room.words(figures, 2) as [number, number];
        if (found === 1) expect(rows.map((each) => cut(each, from, bytes))).toEqual(keys);
        else expect(isSliceAtFirst(rows, keys)).toBe(false);
      }
    }),
    { numRuns: 1000 },
  );
});

/** Whether keys are slices where the longest of them first occurs in its row: others are not looked for. */
function isSliceAtFirst(rows: readonly Buffer[], keys: readonly Buffer[]): boolean {
  const length = Math.max(...keys.map((key) => key.length));
  const longest = keys.findIndex((key) => key.length === length);
  const offset = (rows[longest] as Buffer).indexOf(keys[longest] as Buffer);
  return (
    offset >= 0 && rows.every((row, i) => row.subarray(offset, offset + length).equals(keys[i] as Buffer))
  );
}

interface Run {
  readonly rows: readonly Buffer[];
  readonly kind: number;
}

/** A frame of sorted rows whose keys are themselves, stored in one of the ways there are. */
function putSource(room: Room, at: number, rows: readonly Buffer[], kind: number): void {
  const feeds = rows.flatMap((row) => [row, Buffer.from("\n")]);
  let end = -1;
  const text = room.put(Buffer.concat(feeds));
  const ends = room.putWords(rows.map((row) => (end += row.length + 1)));
  end = 0;
  const keyText = room.put(Buffer.concat(rows));
  const keyEnds = room.putWords(rows.map((row) => (end += row.length)));
  const { words } = room.kernel;
  const set = (word: number, value: number): void => {
    words[at / 4 + word] = value;
  };
  set(SOURCE.state, SOURCE_STATE.hasRows);
  set(SOURCE.row, 0);
  set(SOURCE.stop, rows.length);
  set(SOURCE.text, text);
  set(SOURCE.ends, ends);
  set(SOURCE.keyKind, kind);
  set(SOURCE.keyText, keyText);
  set(SOURCE.keyEnds, keyEnds);
  set(SOURCE.keyOffset, 0);
  set(SOURCE.keyLength, kind === KEY_KIND.fixed ? (rows[0] as Buffer).length : 100);
}

function sharedBytes(texts: readonly Buffer[]): number {
  const [first, ...others] = texts;
  let shared = 0;
  while (
    first !== undefined &&
    shared < first.length &&
    others.every((text) => text[shared] === first[shared])
  )
    shared++;
  return shared;
}

function merge(kernel: SortKernel, runs: readonly Run[], descending: boolean, rowsMax: number): unknown {
  const room = new Room(kernel);
  const at = room.take(MERGE_BYTES);
  const sources = room.take(SOURCE_BYTES * runs.length);
  const areas = {
    tree: room.take(ENTRY_BYTES * runs.length),
    out: room.take(10_000),
    outEnds: room.take(4 * rowsMax),
    keyOut: room.take(10_000),
    keyOutEnds: room.take(4 * rowsMax),
    outSources: room.take(4 * rowsMax),
  };
  const frames = runs.map(({ rows }) =>
    [rows.slice(0, 3), rows.slice(3)].filter((frame) => frame.length > 0),
  );
  const load = (which: number): void => {
    const source = sources + which * SOURCE_BYTES;
    const frame = frames[which]?.shift();
    if (frame === undefined) kernel.words[source / 4 + SOURCE.state] = SOURCE_STATE.ended;
    else putSource(room, source, frame, runs[which]?.kind as number);
  };
  for (let which = 0; which < runs.length; which++) load(which);
  const set = (word: number, value: number): void => {
    kernel.words[at / 4 + word] = value;
  };
  const get = (word: number): number => kernel.words[at / 4 + word] as number;
  for (const word of Object.values(MERGE)) set(word, 0);
  for (const [name, address] of Object.entries(areas)) set(MERGE[name as keyof typeof areas], address);
  set(MERGE.sources, sources);
  set(MERGE.count, runs.length);
  set(MERGE.needs, runs.length);
  set(MERGE.descending, descending ? 1 : 0);
  set(MERGE.shared, sharedBytes(runs.flatMap(({ rows }) => rows)));
  set(MERGE.emit, EMIT.rows | EMIT.keys | EMIT.sources);
  set(MERGE.outFull, areas.out + 50);
  set(MERGE.keyOutFull, areas.keyOut + 50);
  set(MERGE.rowsMax, rowsMax);
  kernel.mergeStart(at);
  const out: unknown[] = [];
  const take = (): void => {
    const rows = get(MERGE.rows);
    out.push([
      kernel.bytes.toString("latin1", areas.out, areas.out + get(MERGE.bytes)),
      kernel.bytes.toString("latin1", areas.keyOut, areas.keyOut + get(MERGE.keyBytes)),
      ...[areas.outEnds, areas.keyOutEnds, areas.outSources].map((area) => room.words(area, rows)),
    ]);
    for (const word of [MERGE.rows, MERGE.bytes, MERGE.keyBytes]) set(word, 0);
  };
  for (;;) {
    const outcome = kernel.mergeRows(at);
    if (outcome === MERGED.needs) load(get(MERGE.needs));
    else take();
    if (outcome === MERGED.done) return out;
  }
}

it("merges runs stably, with keys of every kind, as its twin does", () => {
  const run = fc.record({
    rows: fc.array(text, { minLength: 1, maxLength: 8 }),
    kind: fc.constantFrom(...Object.values(KEY_KIND)),
  });
  const runs = fc.array(run, { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(runs, fc.boolean(), fc.integer({ min: 1, max: 6 }), (given, descending, rowsMax) => {
      const sorted = given.map(({ rows, kind }) => {
        const even = rows.every((row) => row.length === (rows[0] as Buffer).length);
        const order = sortedPlainly(rows, descending).map((row) => rows[row] as Buffer);
        return { rows: order, kind: kind === KEY_KIND.fixed && !even ? KEY_KIND.own : kind };
      });
      const merged = merge(wasm, sorted, descending, rowsMax);
      expect(merged).toEqual(merge(plain, sorted, descending, rowsMax));
      const all = sorted.flatMap(({ rows }) => rows);
      const keys = sortedPlainly(all, descending).map((row) => (all[row] as Buffer).toString("latin1"));
      expect((merged as unknown[][]).map((part) => part[1]).join("")).toBe(keys.join(""));
      expect((merged as unknown[][]).map((part) => part[0]).join("")).toBe(
        keys.map((each) => `${each}\n`).join(""),
      );
    }),
    { numRuns: 1000 },
  );
});

it("seeks the first row that does not come before a key, as its twin does", () => {
  fc.assert(
    fc.property(few, text, fc.boolean(), (texts, key, descending) => {
      if (texts.length === 0) return;
      const rows = sortedPlainly(texts, descending).map((row) => texts[row] as Buffer);
      const before = rows.filter((row) => (descending ? -1 : 1) * Buffer.compare(row, key) < 0).length;
      for (const kernel of [wasm, plain]) {
        const room = new Room(kernel);
        const source = room.take(SOURCE_BYTES);
        putSource(room, source, rows, KEY_KIND.row);
        const at = room.put(key);
        expect(kernel.seek(source, at, at + key.length, descending ? 1 : 0)).toBe(before);
      }
    }),
    { numRuns: 500 },
  );
});
