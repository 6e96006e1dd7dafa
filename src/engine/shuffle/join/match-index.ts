/**
 * The keys of a join, each with a number from 0 in order of arrival: found or entered one at a time.
 *
 * Numbers and short latin1 texts, which most keys are, are compared in typed arrays here; anything else goes by
 * `compareKeys`. Owners keep what belongs to a key in arrays indexed by its number.
 *
 * Invariant: the table is at most half full. Equality is that of `compareKeys`.
 */
import { compareKeys } from "../../../base/compare.ts";
import { finishHash, hashKey, hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import { owned } from "../own-string.ts";

const ENTRIES_MIN = 1 << 10;
/** Texts up to this length are kept as bytes too. */
const SHORT_UNITS_MAX = 32;
const LATIN1_MAX = 0xff;
/** In `#shortLengths`, for keys that are not kept as bytes. */
const NOT_SHORT = 0xff;

export const MISSING = -1;

export class MatchIndex {
  /** By entry. */
  readonly keys: unknown[] = [];
  #hashes = new Uint32Array(ENTRIES_MIN);
  /** By entry: the number, or NaN for what is none or is NaN. */
  #numbers = new Float64Array(ENTRIES_MIN);
  /** By entry: length and start of a short text. */
  #shortLengths = new Uint8Array(ENTRIES_MIN);
  #shortStarts = new Uint32Array(ENTRIES_MIN);
  #shortBytes = new Uint8Array(ENTRIES_MIN * 8);
  #shortEnd = 0;
  /** Entry + 1; 0 is free. */
  #slots = new Uint32Array(ENTRIES_MIN * 2);

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
      // biome-ignore lint/suspicious/noSelfCompare: NaN is the one number that is not itself.
      if (key === key) return this.#locateNumber(key, add);
    } else if (typeof key === "string" && key.length <= SHORT_UNITS_MAX) return this.#locateText(key, add);
    return this.#locateOther(key, hashKey(key), add);
  }

  #locateNumber(key: number, add: boolean): number {
    const whole = key | 0;
    const hash = whole === key ? finishHash(whole ^ 0x9e3779b9) >>> 0 : hashKey(key);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const taken = slots[slot] as number;
      if (taken === 0) return add ? this.#add(slot, key, hash, key, NOT_SHORT) : MISSING;
      if (this.#numbers[taken - 1] === key) return taken - 1;
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
    hash = finishHash(hash) >>> 0;
    if (units > LATIN1_MAX) return this.#locateOther(key, hash, add);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const taken = slots[slot] as number;
      if (taken === 0) return add ? this.#addText(slot, key, hash) : MISSING;
      if (this.#hashes[taken - 1] === hash && this.#isText(taken - 1, key)) return taken - 1;
    }
  }

  #locateOther(key: unknown, hash: number, add: boolean): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const taken = slots[slot] as number;
      if (taken === 0) return add ? this.#add(slot, owned(key), hash, Number.NaN, NOT_SHORT) : MISSING;
      if (this.#hashes[taken - 1] === hash && compareKeys(this.keys[taken - 1], key) === 0) return taken - 1;
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

  #addText(slot: number, text: string, hash: number): number {
    const { length } = text;
    const start = this.#shortEnd;
    if (start + length > this.#shortBytes.length) {
      const bytes = new Uint8Array(this.#shortBytes.length * 2);
      bytes.set(this.#shortBytes);
      this.#shortBytes = bytes;
    }
    for (let i = 0; i < length; i++) this.#shortBytes[start + i] = text.charCodeAt(i);
    this.#shortEnd = start + length;
    this.#shortStarts[this.keys.length] = start;
    return this.#add(slot, owned(text), hash, Number.NaN, length);
  }

  #add(slot: number, key: unknown, hash: number, number: number, shortLength: number): number {
    const entry = this.keys.length;
    this.keys.push(key);
    this.#hashes[entry] = hash;
    this.#numbers[entry] = number;
    this.#shortLengths[entry] = shortLength;
    this.#slots[slot] = entry + 1;
    if (this.keys.length === this.#hashes.length) this.#grow();
    return entry;
  }

  #grow(): void {
    const entries = this.#hashes.length * 2;
    this.#hashes = grown(this.#hashes, new Uint32Array(entries));
    this.#numbers = grown(this.#numbers, new Float64Array(entries));
    this.#shortLengths = grown(this.#shortLengths, new Uint8Array(entries));
    this.#shortStarts = grown(this.#shortStarts, new Uint32Array(entries));
    const slots = new Uint32Array(entries * 2);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.keys.length; entry++) {
      let slot = (this.#hashes[entry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
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
