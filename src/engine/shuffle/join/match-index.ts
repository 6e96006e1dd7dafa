/**
 * The keys of a join, each with a number from 0 in order of arrival: found or entered one at a time.
 *
 * Where there are many keys, what a look-up costs is the places of memory that it must go to, one after the other. So
 * whole numbers of 32 bits lie beside their entries in a table of their own, and all others' hashes do: most look-ups
 * read one place. Short texts in Latin-1 are kept and compared as bytes, and come as such from columns that have them so;
 * anything else is compared by `compareKeys`.
 *
 * Invariants: both tables are at most half full. Equality is that of `compareKeys`.
 */
import { compareKeys } from "../../../base/compare.ts";
import { finishHash, hashKey, hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import type { Column, DictionaryColumn, TextColumn } from "../block/column.ts";
import { columnValues } from "../block/column-decode.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import { sortByKey, sortLatin1 } from "./key-order.ts";
import { latin1Texts } from "./latin1-texts.ts";
import { roomFor } from "./room.ts";

const ENTRIES_MIN = 1 << 10;
const SLOTS_MIN = ENTRIES_MIN * 2;
/** Texts up to this length are kept as bytes, and only as these. */
const SHORT_UNITS_MAX = 254;
const LATIN1_MAX = 0xff;
/** In `#shortLengths`, for keys that are not kept as bytes. */
const NOT_SHORT = 0xff;
/** What a key takes beside its bytes: two places in a table that is a quarter full at worst, and those by entry. */
const ENTRY_BYTES = 48;

export const MISSING = -1;

export class MatchIndex {
  /** By entry; undefined for a short text. */
  readonly #keys: unknown[] = [];
  #otherBytes = 0;
  /** By entry: length and start of a short text. */
  #shortLengths = new Uint8Array(ENTRIES_MIN);
  #shortStarts = new Uint32Array(ENTRIES_MIN);
  #shortBytes = new Uint8Array(ENTRIES_MIN * 8);
  #shortEnd = 0;
  /** How many keys are short texts. */
  #short = 0;
  /** By slot: a whole number, and its entry + 1; that is 0 where the slot is free. */
  #wholes = new Int32Array(SLOTS_MIN * 2);
  #wholesTaken = 0;
  /** By slot: the hash of any other key, and its entry + 1. */
  #others = new Int32Array(SLOTS_MIN * 2);
  #othersTaken = 0;
  /** So that what is read to have it near counts as used. */
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: it is written to be written.
  #fetched = 0;

  get size(): number {
    return this.#keys.length;
  }

  /** What it takes in memory, about. */
  get bytes(): number {
    return this.#keys.length * ENTRY_BYTES + this.#shortBytes.length + this.#otherBytes;
  }

  /** The key of an entry, as it was entered. */
  keyOf(entry: number): unknown {
    return this.#shortLengths[entry] === NOT_SHORT ? this.#keys[entry] : this.#texts([entry])[0];
  }

  /** The keys of these entries. */
  keysOf(entries: Uint32Array): unknown[] {
    if (this.#short === this.#keys.length) return this.#texts(entries);
    const keys: unknown[] = new Array(entries.length);
    for (let i = 0; i < entries.length; i++) keys[i] = this.keyOf(entries[i] as number);
    return keys;
  }

  /** Has another key, which is equal, stand for an entry. */
  setKey(entry: number, key: unknown): void {
    if (this.#shortLengths[entry] === NOT_SHORT) this.#keys[entry] = key;
  }

  /** Puts these entries into the order of their keys, in place. */
  sort(entries: Uint32Array): Uint32Array {
    if (this.#short < this.#keys.length) return sortByKey(entries, this.#allKeys());
    return sortLatin1(entries, {
      bytes: this.#shortBytes,
      starts: this.#shortStarts,
      lengths: this.#shortLengths,
    });
  }

  #allKeys(): unknown[] {
    return this.#short === 0 ? this.#keys : Array.from(this.#keys, (_, entry) => this.keyOf(entry));
  }

  #texts(entries: ArrayLike<number>): string[] {
    const starts = new Uint32Array(entries.length);
    const ends = new Uint32Array(entries.length);
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as number;
      starts[i] = this.#shortStarts[entry] as number;
      ends[i] = (starts[i] as number) + (this.#shortLengths[entry] as number);
    }
    return latin1Texts(this.#shortBytes, starts, ends);
  }

  /**
   * The entries of a column's keys, MISSING for those that have none; with `add`, such a one gets one, which is `size` as it
   * was before. Throws KEY_INVALID.
   */
  locate(column: Column, rows: number, add: boolean): Int32Array {
    const entries = new Int32Array(rows);
    if (column.kind === "text" && (column.encoding === "ascii" || column.encoding === "latin1"))
      this.#locateTexts(column, add, entries);
    else if (column.kind === "dictionary") this.#locateCodes(column, add, entries);
    else {
      const keys = columnValues(column, rows);
      for (let row = 0; row < rows; row++) entries[row] = this.#locate(keys[row], add);
    }
    return entries;
  }

  #locateCodes({ entries: texts, codes }: DictionaryColumn, add: boolean, entries: Int32Array): void {
    const known = new Int32Array(texts.length).fill(MISSING);
    for (let row = 0; row < entries.length; row++) {
      const code = codes[row] as number;
      if (known[code] === MISSING) known[code] = this.#locate(texts[code], add);
      entries[row] = known[code] as number;
    }
  }

  /** Hashes all before it looks for any, and goes to all places once, so that the processor can fetch several at a time. */
  #locateTexts({ bytes, lengths }: TextColumn, add: boolean, entries: Int32Array): void {
    let at = 0;
    for (let row = 0; row < entries.length; row++) {
      const end = at + (lengths[row] as number);
      let hash = TEXT_SEED;
      for (; at < end; at++) hash = hashUnit(hash, bytes[at] as number);
      entries[row] = finishHash(hash);
    }
    this.#fetch(entries);
    at = 0;
    for (let row = 0; row < entries.length; row++) {
      const length = lengths[row] as number;
      const hash = entries[row] as number;
      entries[row] =
        length <= SHORT_UNITS_MAX
          ? this.#locateBytes(bytes, at, length, hash, add)
          : this.#locateOther(bytes.toString("latin1", at, at + length), hash, add);
      at += length;
    }
  }

  /** Has what texts with these hashes will be compared with in the caches: nothing waits for what is read here. */
  #fetch(hashes: Int32Array): void {
    const slots = this.#others;
    const mask = slots.length - 2;
    const lengths = this.#shortLengths;
    const starts = this.#shortStarts;
    const bytes = this.#shortBytes;
    let fetched = 0;
    for (let i = 0; i < hashes.length; i++) {
      const taken = slots[(((hashes[i] as number) << 1) & mask) + 1] as number;
      if (taken === 0) continue;
      fetched ^= (lengths[taken - 1] as number) ^ (bytes[starts[taken - 1] as number] as number);
    }
    this.#fetched = fetched;
  }

  #locateBytes(bytes: Uint8Array, at: number, length: number, hash: number, add: boolean): number {
    const slots = this.#others;
    const mask = slots.length - 2;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const taken = slots[slot + 1] as number;
      if (taken === 0) return add ? this.#addBytes(slot, bytes, at, length, hash) : MISSING;
      if (slots[slot] === hash && this.#isBytes(taken - 1, bytes, at, length)) return taken - 1;
    }
  }

  #isBytes(entry: number, bytes: Uint8Array, at: number, length: number): boolean {
    if (this.#shortLengths[entry] !== length) return false;
    const known = this.#shortBytes;
    const start = this.#shortStarts[entry] as number;
    for (let i = 0; i < length; i++) if (known[start + i] !== bytes[at + i]) return false;
    return true;
  }

  #addBytes(slot: number, bytes: Uint8Array, at: number, length: number, hash: number): number {
    const start = this.#roomForText(length);
    for (let i = 0; i < length; i++) this.#shortBytes[start + i] = bytes[at + i] as number;
    return this.#addShort(slot, start, length, hash);
  }

  #locate(key: unknown, add: boolean): number {
    if (typeof key === "number") {
      const whole = key | 0;
      if (whole === key) return this.#locateWhole(whole, key, add);
    } else if (typeof key === "string" && key.length <= SHORT_UNITS_MAX) return this.#locateText(key, add);
    return this.#locateOther(key, hashKey(key) | 0, add);
  }

  /** `key` is the same number, or -0. */
  #locateWhole(whole: number, key: number, add: boolean): number {
    const slots = this.#wholes;
    const mask = slots.length - 2;
    for (let at = (finishHash(whole) << 1) & mask; ; at = (at + 2) & mask) {
      const taken = slots[at + 1] as number;
      if (taken === 0) return add ? this.#addWhole(at, whole, key) : MISSING;
      if (slots[at] === whole) return taken - 1;
    }
  }

  #locateText(key: string, add: boolean): number {
    const { length } = key;
    let hash = TEXT_SEED;
    let units = 0;
    for (let i = 0; i < length; i++) {
      const unit = key.charCodeAt(i);
      units |= unit;
      hash = hashUnit(hash, unit);
    }
    hash = finishHash(hash);
    if (units > LATIN1_MAX) return this.#locateOther(key, hash, add);
    const slots = this.#others;
    const mask = slots.length - 2;
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const taken = slots[at + 1] as number;
      if (taken === 0) return add ? this.#addText(at, key, hash) : MISSING;
      if (slots[at] === hash && this.#isText(taken - 1, key)) return taken - 1;
    }
  }

  #locateOther(key: unknown, hash: number, add: boolean): number {
    const slots = this.#others;
    const mask = slots.length - 2;
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const taken = slots[at + 1] as number;
      if (taken === 0) return add ? this.#addOther(at, owned(key), hash, NOT_SHORT) : MISSING;
      if (slots[at] === hash && this.#isOther(taken - 1, key)) return taken - 1;
    }
  }

  #isText(entry: number, text: string): boolean {
    const { length } = text;
    if (this.#shortLengths[entry] !== length) return false;
    const bytes = this.#shortBytes;
    const start = this.#shortStarts[entry] as number;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  #addWhole(at: number, whole: number, key: number): number {
    this.#wholes[at] = whole;
    const entry = this.#addEntry(key, NOT_SHORT);
    this.#wholes[at + 1] = entry + 1;
    if (++this.#wholesTaken * 4 >= this.#wholes.length) this.#wholes = regrown(this.#wholes, finishHash);
    return entry;
  }

  /** Short texts are equal to other short texts only, which are looked for as such. */
  #isOther(entry: number, key: unknown): boolean {
    return this.#shortLengths[entry] === NOT_SHORT && compareKeys(this.#keys[entry], key) === 0;
  }

  #addText(slot: number, text: string, hash: number): number {
    const { length } = text;
    const start = this.#roomForText(length);
    for (let i = 0; i < length; i++) this.#shortBytes[start + i] = text.charCodeAt(i);
    return this.#addShort(slot, start, length, hash);
  }

  /** Where the bytes of another text begin. */
  #roomForText(length: number): number {
    const start = this.#shortEnd;
    this.#shortEnd = start + length;
    this.#shortBytes = roomFor(this.#shortBytes, this.#shortEnd);
    return start;
  }

  #addShort(slot: number, start: number, length: number, hash: number): number {
    const entry = this.#addOther(slot, undefined, hash, length);
    this.#shortStarts[entry] = start;
    this.#short++;
    return entry;
  }

  #addOther(at: number, key: unknown, hash: number, shortLength: number): number {
    this.#others[at] = hash;
    const entry = this.#addEntry(key, shortLength);
    this.#others[at + 1] = entry + 1;
    if (++this.#othersTaken * 4 >= this.#others.length) this.#others = regrown(this.#others, itself);
    return entry;
  }

  #addEntry(key: unknown, shortLength: number): number {
    const entry = this.#keys.push(key) - 1;
    this.#shortLengths = roomFor(this.#shortLengths, entry + 1);
    this.#shortStarts = roomFor(this.#shortStarts, entry + 1);
    if (shortLength === NOT_SHORT && typeof key !== "number") this.#otherBytes += estimateBytes(key);
    this.#shortLengths[entry] = shortLength;
    return entry;
  }
}

const itself = (hash: number): number => hash;

/** A table of twice the slots with the same content. */
function regrown(
  slots: Int32Array<ArrayBuffer>,
  hashOf: (content: number) => number,
): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(slots.length * 2);
  const mask = larger.length - 2;
  for (let from = 0; from < slots.length; from += 2) {
    if (slots[from + 1] === 0) continue;
    const content = slots[from] as number;
    let at = (hashOf(content) << 1) & mask;
    while (larger[at + 1] !== 0) at = (at + 2) & mask;
    larger[at] = content;
    larger[at + 1] = slots[from + 1] as number;
  }
  return larger;
}
