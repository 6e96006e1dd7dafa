/**
 * The keys met so far, each with a number from 0 in order of arrival: an open-addressing table over typed arrays.
 * Owners keep what belongs to a key in arrays indexed by that number, so that no object is made per key.
 *
 * Short latin1 texts, the most frequent keys by far, are also kept as bytes. A text that was just cut out of a line
 * is compared with them unit by unit here; comparing it with the kept string would leave this loop for V8's runtime.
 *
 * Invariant: the table is at most half full, and every entry's hash is `hashKey` of its key.
 */
import { compareKeys, sameKey } from "../../../base/compare.ts";
import { finishHash, hashKey, hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import { owned } from "../own-string.ts";

const SLOTS_MIN = 1 << 10;
/** Texts up to this length are kept as bytes too. */
const SHORT_UNITS_MAX = 32;
const LATIN1_MAX = 0xff;

export class KeyTable {
  /** By entry. */
  readonly keys: unknown[] = [];
  #hashes = new Uint32Array(SLOTS_MIN / 2);
  /** Entry + 1; 0 is free. */
  #slots = new Uint32Array(SLOTS_MIN);
  /** By entry, for those kept as bytes: their length + 1, and where they begin. 0 for the others. */
  #shortLengths = new Uint8Array(SLOTS_MIN / 2);
  #shortStarts = new Uint32Array(SLOTS_MIN / 2);
  #shortBytes = new Uint8Array(SLOTS_MIN * 4);
  #shortEnd = 0;

  get size(): number {
    return this.keys.length;
  }

  hashOf(entry: number): number {
    return this.#hashes[entry] as number;
  }

  /** The entry of this key; a new one, numbered `size` as it was before, where there is none. */
  enter(key: unknown, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const taken = slots[slot] as number;
      if (taken === 0) return this.#add(slot, key, hash);
      if (this.#hashes[taken - 1] === hash && sameKey(this.keys[taken - 1], key)) return taken - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** As `enter`, for a text, whose hash is worked out here. */
  enterText(text: string): number {
    const { length } = text;
    if (length > SHORT_UNITS_MAX) return this.enter(text, hashKey(text));
    let hash = TEXT_SEED;
    let units = 0;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      units |= unit;
      hash = hashUnit(hash, unit);
    }
    hash = finishHash(hash) >>> 0;
    if (units > LATIN1_MAX) return this.enter(text, hash);
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const taken = slots[slot] as number;
      if (taken === 0) return this.#addShort(slot, text, hash);
      if (this.#hashes[taken - 1] === hash && this.#isText(taken - 1, text)) return taken - 1;
      slot = (slot + 1) & mask;
    }
  }

  #isText(entry: number, text: string): boolean {
    const { length } = text;
    // 0: it came in by `enter`.
    if (this.#shortLengths[entry] === 0) return this.keys[entry] === text;
    if (this.#shortLengths[entry] !== length + 1) return false;
    const bytes = this.#shortBytes;
    const start = this.#shortStarts[entry] as number;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  clear(): void {
    this.keys.length = 0;
    this.#slots.fill(0);
    this.#shortLengths.fill(0);
    this.#shortEnd = 0;
  }

  /** All entries, by key. */
  sorted(): Uint32Array {
    const { keys } = this;
    const order = new Uint32Array(keys.length);
    for (let i = 0; i < order.length; i++) order[i] = i;
    if (keys.every((key) => typeof key === "string")) {
      // Keys are distinct, so equality need not be asked for.
      return order.sort((a, b) => ((keys[a] as string) < (keys[b] as string) ? -1 : 1));
    }
    return order.sort((a, b) => compareKeys(keys[a], keys[b]));
  }

  #addShort(slot: number, text: string, hash: number): number {
    const { length } = text;
    const start = this.#shortEnd;
    if (start + length > this.#shortBytes.length) {
      const bytes = new Uint8Array(this.#shortBytes.length * 2);
      bytes.set(this.#shortBytes);
      this.#shortBytes = bytes;
    }
    for (let i = 0; i < length; i++) this.#shortBytes[start + i] = text.charCodeAt(i);
    this.#shortEnd = start + length;
    const entry = this.keys.length;
    this.#shortStarts[entry] = start;
    this.#shortLengths[entry] = length + 1;
    return this.#add(slot, text, hash);
  }

  #add(slot: number, key: unknown, hash: number): number {
    const entry = this.keys.length;
    this.keys.push(owned(key));
    this.#hashes[entry] = hash;
    this.#slots[slot] = entry + 1;
    if (this.keys.length * 2 >= this.#slots.length) this.#grow();
    return entry;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const hashes = new Uint32Array(slots.length / 2);
    hashes.set(this.#hashes);
    const shortLengths = new Uint8Array(slots.length / 2);
    shortLengths.set(this.#shortLengths);
    const shortStarts = new Uint32Array(slots.length / 2);
    shortStarts.set(this.#shortStarts);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.keys.length; entry++) {
      let slot = (hashes[entry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
    this.#hashes = hashes;
    this.#shortLengths = shortLengths;
    this.#shortStarts = shortStarts;
  }
}
