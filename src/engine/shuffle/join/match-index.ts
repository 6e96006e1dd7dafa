/**
 * The keys of a join, each with a number from 0 in order of arrival: found or entered one at a time.
 *
 * Where there are many keys, what a look-up costs is the places of memory that it must go to, one after the other. So
 * whole numbers of 32 bits lie beside their entries in a table of their own, and all others' hashes do: most look-ups
 * read one place. Short latin1 texts are compared as bytes, anything else by `compareKeys`.
 *
 * Invariants: both tables are at most half full. Equality is that of `compareKeys`.
 */
import { compareKeys } from "../../../base/compare.ts";
import { finishHash, hashKey, hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import { owned } from "../own-string.ts";

const ENTRIES_MIN = 1 << 10;
const SLOTS_MIN = ENTRIES_MIN * 2;
/** Texts up to this length are kept as bytes too. */
const SHORT_UNITS_MAX = 32;
const LATIN1_MAX = 0xff;
/** In `#shortLengths`, for keys that are not kept as bytes. */
const NOT_SHORT = 0xff;

export const MISSING = -1;

export class MatchIndex {
  /** By entry. */
  readonly keys: unknown[] = [];
  /** By entry: length and start of a short text. */
  #shortLengths = new Uint8Array(ENTRIES_MIN);
  #shortStarts = new Uint32Array(ENTRIES_MIN);
  #shortBytes = new Uint8Array(ENTRIES_MIN * 8);
  #shortEnd = 0;
  /** By slot: a whole number, and its entry + 1; that is 0 where the slot is free. */
  #wholes = new Int32Array(SLOTS_MIN * 2);
  #wholesTaken = 0;
  /** By slot: the hash of any other key, and its entry + 1. */
  #others = new Int32Array(SLOTS_MIN * 2);
  #othersTaken = 0;

  get size(): number {
    return this.keys.length;
  }

  /** The key's entry, or MISSING. Throws KEY_INVALID. */
  find(key: unknown): number {
    return this.#locate(key, false);
  }

  /** The key's entry; where it has none, a new one that is `size` as it was before. Throws KEY_INVALID. */
  enter(key: unknown): number {
    return this.#locate(key, true);
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
      if (slots[at] === hash && compareKeys(this.keys[taken - 1], key) === 0) return taken - 1;
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

  #addText(at: number, text: string, hash: number): number {
    const { length } = text;
    const start = this.#shortEnd;
    if (start + length > this.#shortBytes.length) {
      this.#shortBytes = grown(this.#shortBytes, new Uint8Array(this.#shortBytes.length * 2));
    }
    for (let i = 0; i < length; i++) this.#shortBytes[start + i] = text.charCodeAt(i);
    this.#shortEnd = start + length;
    const entry = this.#addOther(at, owned(text), hash, length);
    this.#shortStarts[entry] = start;
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
    const entry = this.keys.push(key) - 1;
    if (entry === this.#shortLengths.length) {
      this.#shortLengths = grown(this.#shortLengths, new Uint8Array(entry * 2));
      this.#shortStarts = grown(this.#shortStarts, new Uint32Array(entry * 2));
    }
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

type Typed =
  | Uint8Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>;

/** The larger array, with all that the smaller one holds. */
export function grown<T extends Typed>(from: T, to: T): T {
  to.set(from);
  return to;
}
