/**
 * The keys met so far, each with a number from 0 in order of arrival: the hot table of every aggregation.
 *
 * One open-addressing table for keys of all types. Numbers and short ASCII texts, the most frequent keys by far, lie
 * in the slots themselves: to find one again touches one line of cache, looks at every character once, and makes
 * nothing for the collector to visit. All other keys (longer texts, texts beyond ASCII, dates, arrays, …) stand in
 * a list, and their slots hold their hashes.
 *
 * A text may come as a string or as bytes, and is the same key then. Strings are made again only for who asks.
 *
 * Invariants: `size` entries are in the table, which is at most two thirds full; of keys that `compareKeys` calls
 * equal only the first is kept.
 *
 * Long because each way of entering a key has a loop of its own over slots that are private to this table: what they
 * share would be calls in the hottest place of all.
 */
import { sameKey } from "../../../base/compare.ts";
import { finishHash, hashKey, hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import { estimateBytes } from "../estimate.ts";
import { owned } from "../own-string.ts";
import { HELD_HASH, HELD_LENGTH, HELD_SHIFT, HeldKeys, mix } from "./held-keys.ts";

const SLOTS_MIN = 1 << 9;
/** A table of so many slots takes half a megabyte, and so much of a core's own cache: keys better come some at a time. */
const SLOTS_FETCHED_MIN = 1 << 15;
/**
 * A slot is as small as it can be, as what a table of many keys costs are the lines of memory it takes: three words of
 * the key, and one of its entry + 1 above its tag (0: free).
 */
const SLOT_SHIFT = 2;
const OWNER = 3;
const TAG_BITS = 6;
const TAG_MASK = (1 << TAG_BITS) - 1;
/** What is left of an owner's 32 bits. Beside so many keys their accumulators take gigabytes. */
const KEYS_MAX = 2 ** (32 - TAG_BITS) - 2;
/** Texts up to this length lie in their slot, but for a fourth word of the longest. Their tag is their length. */
export const SHORT_TEXT_MAX = 16;
const SLOT_TEXT_MAX = 12;
const ASCII_MAX = 0x7f;
/** So many characters of ASCII, or none, are a whole number that a double holds exactly. */
export const UNITS_TOGETHER = 7;
const UNIT_RANGE = ASCII_MAX + 2;
const TAG_INTEGER = 32;
const TAG_FLOAT = 33;
/** The slot holds the key's hash; the key is in the list. */
const TAG_LISTED = 34;

/** What an entry is. */
const KIND_TEXT = 0;
const KIND_NUMBER = 1;
const KIND_LISTED = 2;

const TEXT_ESTIMATE = estimateBytes("");
const NUMBER_ESTIMATE = estimateBytes(0);

/** For a key that is looked for by itself. */
const asked = new HeldKeys();

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/** What a column of keys can be written from. */
export type KeyColumn =
  | readonly unknown[]
  | Float64Array
  | { readonly bytes: Uint8Array; readonly lengths: Uint32Array };

export class KeyIndex {
  /** How many keys there are. Not to be changed. */
  size = 0;
  #slots = new Int32Array(SLOTS_MIN << SLOT_SHIFT);
  #mask = SLOTS_MIN - 1;
  #entriesMax = entriesFor(SLOTS_MIN);
  /** By entry. */
  #kinds = new Uint8Array(this.#entriesMax);
  /** By entry: of a text where it begins in the arena, of a listed key its place in the list. */
  #places = new Uint32Array(this.#entriesMax);
  #lengths = new Uint8Array(this.#entriesMax);
  /** By entry; as long as the others once there was a number. */
  #numbers = new Float64Array(0);
  /** By entry, of texts longer than SLOT_TEXT_MAX; as long as the others once there was one. */
  #fourths = new Int32Array(0);
  #arena = Buffer.from(new ArrayBuffer(SLOTS_MIN * 8));
  #arenaEnd = 0;
  readonly #list: unknown[] = [];
  readonly #listHashes: number[] = [];
  /** Entries that are numbers. */
  #numberCount = 0;
  /** Kept so that what is only fetched is not left out. */
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: it is written to be written.
  #fetched = 0;

  /** Makes room for so many keys, so that the table need not grow with them. Only while it is empty. */
  reserve(keys: number): void {
    let slots = this.#mask + 1;
    while (entriesFor(slots) <= keys) slots *= 2;
    if (slots === this.#mask + 1) return;
    this.#slots = new Int32Array(slots << SLOT_SHIFT);
    this.#mask = slots - 1;
    this.#entriesMax = entriesFor(slots);
    this.#kinds = new Uint8Array(this.#entriesMax);
    this.#places = new Uint32Array(this.#entriesMax);
    this.#lengths = new Uint8Array(this.#entriesMax);
    this.#numbers = new Float64Array(0);
    this.#fourths = new Int32Array(0);
  }

  /** The entry of this key; a new one, numbered `size` as it was before, where there is none. Throws KEY_INVALID. */
  enter(key: unknown): number {
    if (typeof key === "string") return this.enterText(key);
    return typeof key === "number" ? this.#locateNumber(key, true) : this.#locateListed(key, true);
  }

  /** The entry of this key, or -1. Throws KEY_INVALID. */
  find(key: unknown): number {
    if (typeof key === "number") return this.#locateNumber(key, false);
    if (typeof key !== "string") return this.#locateListed(key, false);
    asked.count = 0;
    return asked.hold(key, 0, 0) ? this.#findHeld(asked.words, 0) : this.#locateListed(key, false);
  }

  /** As `enter`. */
  enterText(text: string): number {
    const { length } = text;
    if (length > SHORT_TEXT_MAX) return this.#locateListed(text, true);
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let units = 0;
    let i = 0;
    if (length <= 4) {
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        units |= unit;
        a = (a << 8) | unit;
      }
    } else {
      const a0 = text.charCodeAt(0);
      const a1 = text.charCodeAt(1);
      const a2 = text.charCodeAt(2);
      const a3 = text.charCodeAt(3);
      units = a0 | a1 | a2 | a3;
      a = (a0 << 24) | (a1 << 16) | (a2 << 8) | a3;
      const end = Math.min(length, 8);
      for (i = 4; i < end; i++) {
        const unit = text.charCodeAt(i);
        units |= unit;
        b = (b << 8) | unit;
      }
      if (length > 8) {
        const middle = Math.min(length, 12);
        for (; i < middle; i++) {
          const unit = text.charCodeAt(i);
          units |= unit;
          c = (c << 8) | unit;
        }
        for (; i < length; i++) {
          const unit = text.charCodeAt(i);
          units |= unit;
          d = (d << 8) | unit;
        }
      }
    }
    if (units > ASCII_MAX) return this.#locateListed(text, true);
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = mix(a, b, c, d, length) & mask;
    for (;;) {
      const at = slot << SLOT_SHIFT;
      const owner = slots[at + OWNER] as number;
      if (owner === 0) return this.#addText(at, a, b, c, d, text);
      if (
        slots[at] === a &&
        slots[at + 1] === b &&
        slots[at + 2] === c &&
        (owner & TAG_MASK) === length &&
        (length <= SLOT_TEXT_MAX || this.#fourths[entryOf(owner)] === d)
      ) {
        return entryOf(owner);
      }
      slot = (slot + 1) & mask;
    }
  }

  /** As `enter`, for the text of ASCII bytes [from, to). */
  enterAscii(bytes: Buffer, from: number, to: number): number {
    const length = to - from;
    if (length > SHORT_TEXT_MAX) return this.#locateListed(bytes.toString("latin1", from, to), true);
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let i = from;
    const endA = length < 4 ? to : from + 4;
    for (; i < endA; i++) a = (a << 8) | (bytes[i] as number);
    if (length > 4) {
      const endB = length < 8 ? to : from + 8;
      for (; i < endB; i++) b = (b << 8) | (bytes[i] as number);
      if (length > 8) {
        const endC = length < 12 ? to : from + 12;
        for (; i < endC; i++) c = (c << 8) | (bytes[i] as number);
        for (; i < to; i++) d = (d << 8) | (bytes[i] as number);
      }
    }
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = mix(a, b, c, d, length) & mask;
    for (;;) {
      const at = slot << SLOT_SHIFT;
      const owner = slots[at + OWNER] as number;
      if (owner === 0) return this.#addAscii(at, a, b, c, d, bytes, from, to);
      if (
        slots[at] === a &&
        slots[at + 1] === b &&
        slots[at + 2] === c &&
        (owner & TAG_MASK) === length &&
        (length <= SLOT_TEXT_MAX || this.#fourths[entryOf(owner)] === d)
      ) {
        return entryOf(owner);
      }
      slot = (slot + 1) & mask;
    }
  }

  #locateNumber(value: number, add: boolean): number {
    let a = value | 0;
    let b = 0;
    let tag = TAG_INTEGER;
    // Covers -0, which is the same key as 0.
    if (a !== value) {
      float[0] = Number.isNaN(value) ? Number.NaN : value;
      a = floatWords[0] as number;
      b = floatWords[1] as number;
      tag = TAG_FLOAT;
    }
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = mix(a, b, 0, 0, tag) & mask;
    for (;;) {
      const at = slot << SLOT_SHIFT;
      const owner = slots[at + OWNER] as number;
      if (owner === 0) return add ? this.#addNumber(at, a, b, tag, value) : -1;
      if (slots[at] === a && slots[at + 1] === b && (owner & TAG_MASK) === tag) return entryOf(owner);
      slot = (slot + 1) & mask;
    }
  }

  /** Whether no more keys may be entered, whatever memory there is. */
  get isFull(): boolean {
    return this.size >= KEYS_MAX;
  }

  /** Whether keys that were fetched together are found faster. */
  get isLarge(): boolean {
    return this.#mask + 1 >= SLOTS_FETCHED_MIN;
  }

  /**
   * Looks these keys up, all of them before the first is entered: what stands in other lines of memory is fetched
   * together. Gives each its entry, or -1 where it had none.
   */
  findHeld(keys: HeldKeys): void {
    const { words, count } = keys;
    const slots = this.#slots;
    const mask = this.#mask;
    let fetched = 0;
    for (let at = HELD_HASH; at < count << HELD_SHIFT; at += 1 << HELD_SHIFT) {
      fetched |= slots[(((words[at] as number) & mask) << SLOT_SHIFT) + OWNER] as number;
    }
    this.#fetched = fetched;
    const { entries } = keys;
    // Most keys stand where they are looked for first; a loop around others would keep V8 from seeing this one as simple.
    for (let held = 0; held < count; held++) {
      const from = held << HELD_SHIFT;
      const at = ((words[from + HELD_HASH] as number) & mask) << SLOT_SHIFT;
      const owner = slots[at + OWNER] as number;
      const length = words[from + HELD_LENGTH] as number;
      entries[held] =
        slots[at] === words[from] &&
        slots[at + 1] === words[from + 1] &&
        slots[at + 2] === words[from + 2] &&
        (owner & TAG_MASK) === length &&
        length <= SLOT_TEXT_MAX
          ? entryOf(owner)
          : owner === 0
            ? -1
            : this.#findHeld(words, from);
    }
  }

  /** The entry of one of these keys, or -1. */
  #findHeld(words: Int32Array, from: number): number {
    const a = words[from] as number;
    const b = words[from + 1] as number;
    const c = words[from + 2] as number;
    const length = words[from + HELD_LENGTH] as number;
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = (words[from + HELD_HASH] as number) & mask;
    for (;;) {
      const at = slot << SLOT_SHIFT;
      const owner = slots[at + OWNER] as number;
      if (owner === 0) return -1;
      if (
        slots[at] === a &&
        slots[at + 1] === b &&
        slots[at + 2] === c &&
        (owner & TAG_MASK) === length &&
        (length <= SLOT_TEXT_MAX || this.#fourths[entryOf(owner)] === words[from + 3])
      ) {
        return entryOf(owner);
      }
      slot = (slot + 1) & mask;
    }
  }

  /** As `enter`, for one of these keys. */
  enterHeld(keys: HeldKeys, held: number): number {
    const { words } = keys;
    const from = held << HELD_SHIFT;
    const found = this.#findHeld(words, from);
    if (found >= 0) return found;
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = (words[from + HELD_HASH] as number) & mask;
    while (slots[(slot << SLOT_SHIFT) + OWNER] !== 0) slot = (slot + 1) & mask;
    const length = words[from + HELD_LENGTH] as number;
    const start = this.#takeArena(length);
    keys.copyText(held, this.#arena, start);
    return this.#addShort(
      slot << SLOT_SHIFT,
      words[from] as number,
      words[from + 1] as number,
      words[from + 2] as number,
      words[from + 3] as number,
      start,
      length,
    );
  }

  keyOf(entry: number): unknown {
    const place = this.#places[entry] as number;
    switch (this.#kinds[entry]) {
      case KIND_TEXT:
        return this.#arena.toString("latin1", place, place + (this.#lengths[entry] as number));
      case KIND_NUMBER:
        return this.#numbers[entry];
      default:
        return this.#list[place];
    }
  }

  /** What `hashKey` gives for the key. */
  hashOf(entry: number): number {
    const place = this.#places[entry] as number;
    switch (this.#kinds[entry]) {
      case KIND_TEXT: {
        const arena = this.#arena;
        const end = place + (this.#lengths[entry] as number);
        let hash = TEXT_SEED;
        for (let i = place; i < end; i++) hash = hashUnit(hash, arena[i] as number);
        return finishHash(hash) >>> 0;
      }
      case KIND_NUMBER:
        return hashKey(this.#numbers[entry]);
      default:
        return this.#listHashes[place] as number;
    }
  }

  /** What `estimateBytes` gives for the key. */
  estimateOf(entry: number): number {
    switch (this.#kinds[entry]) {
      case KIND_TEXT:
        return TEXT_ESTIMATE + (this.#lengths[entry] as number);
      case KIND_NUMBER:
        return NUMBER_ESTIMATE;
      default:
        return estimateBytes(this.#list[this.#places[entry] as number]);
    }
  }

  /** The keys of these entries, in this order; as bytes or numbers where all of them are. */
  columnOf(entries: Uint32Array): KeyColumn {
    if (this.#list.length === 0) {
      if (this.#numberCount === 0) return this.#textColumn(entries);
      if (this.#numberCount === this.size) return this.#numberColumn(entries);
    }
    const keys: unknown[] = new Array(entries.length);
    for (let i = 0; i < entries.length; i++) keys[i] = this.keyOf(entries[i] as number);
    return keys;
  }

  /** Whether all keys are short ASCII texts. */
  get isShortText(): boolean {
    return this.#list.length === 0 && this.#numberCount === 0;
  }

  /** Whether all keys are numbers. */
  get isNumeric(): boolean {
    return this.#list.length === 0 && this.#numberCount === this.size;
  }

  /**
   * Characters [from, from + UNITS_TOGETHER) of a short text as one number: such numbers are ordered as the texts are,
   * where what is before is the same. Texts that end there come first; behind the end it is 0.
   */
  unitsOf(entry: number, from: number): number {
    const place = this.#places[entry] as number;
    const length = this.#lengths[entry] as number;
    let units = 0;
    for (let i = from; i < from + UNITS_TOGETHER; i++) {
      units = units * UNIT_RANGE + (i < length ? (this.#arena[place + i] as number) + 1 : 0);
    }
    return units;
  }

  /** Of an entry that is a number. */
  numberOf(entry: number): number {
    return this.#numbers[entry] as number;
  }

  clear(): void {
    this.size = 0;
    this.#slots.fill(0);
    this.#arenaEnd = 0;
    this.#list.length = 0;
    this.#listHashes.length = 0;
    this.#numberCount = 0;
  }

  #textColumn(entries: Uint32Array): KeyColumn {
    const lengths = new Uint32Array(entries.length);
    let total = 0;
    for (let i = 0; i < entries.length; i++) {
      const length = this.#lengths[entries[i] as number] as number;
      lengths[i] = length;
      total += length;
    }
    const bytes = new Uint8Array(total);
    const arena = this.#arena;
    let to = 0;
    for (let i = 0; i < entries.length; i++) {
      const place = this.#places[entries[i] as number] as number;
      const end = place + (lengths[i] as number);
      for (let from = place; from < end; from++) bytes[to++] = arena[from] as number;
    }
    return { bytes, lengths };
  }

  #numberColumn(entries: Uint32Array): Float64Array {
    const numbers = new Float64Array(entries.length);
    for (let i = 0; i < entries.length; i++) numbers[i] = this.#numbers[entries[i] as number] as number;
    return numbers;
  }

  #locateListed(key: unknown, add: boolean): number {
    const hash = hashKey(key);
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = mix(hash, 0, 0, 0, TAG_LISTED) & mask;
    for (;;) {
      const at = slot << SLOT_SHIFT;
      const owner = slots[at + OWNER] as number;
      if (owner === 0) return add ? this.#addListed(at, key, hash) : -1;
      if (slots[at] === (hash | 0) && (owner & TAG_MASK) === TAG_LISTED) {
        if (sameKey(this.#list[this.#places[entryOf(owner)] as number], key)) return entryOf(owner);
      }
      slot = (slot + 1) & mask;
    }
  }

  #addText(at: number, a: number, b: number, c: number, d: number, text: string): number {
    const { length } = text;
    const start = this.#takeArena(length);
    for (let i = 0; i < length; i++) this.#arena[start + i] = text.charCodeAt(i);
    return this.#addShort(at, a, b, c, d, start, length);
  }

  #addAscii(
    at: number,
    a: number,
    b: number,
    c: number,
    d: number,
    bytes: Uint8Array,
    from: number,
    to: number,
  ): number {
    const start = this.#takeArena(to - from);
    for (let i = from; i < to; i++) this.#arena[start + i - from] = bytes[i] as number;
    return this.#addShort(at, a, b, c, d, start, to - from);
  }

  #addShort(at: number, a: number, b: number, c: number, d: number, start: number, length: number): number {
    this.#slots[at + 2] = c;
    this.#lengths[this.size] = length;
    if (length > SLOT_TEXT_MAX) {
      if (this.#fourths.length < this.#entriesMax) this.#fourths = grown(this.#fourths, this.#entriesMax);
      this.#fourths[this.size] = d;
    }
    return this.#add(at, a, b, length, KIND_TEXT, start);
  }

  #addNumber(at: number, a: number, b: number, tag: number, value: number): number {
    if (this.#numbers.length < this.#entriesMax) this.#numbers = grown(this.#numbers, this.#entriesMax);
    this.#numbers[this.size] = value;
    this.#numberCount++;
    return this.#add(at, a, b, tag, KIND_NUMBER, 0);
  }

  #addListed(at: number, key: unknown, hash: number): number {
    this.#listHashes.push(hash);
    return this.#add(at, hash, 0, TAG_LISTED, KIND_LISTED, this.#list.push(owned(key)) - 1);
  }

  #add(at: number, a: number, b: number, tag: number, kind: number, place: number): number {
    const slots = this.#slots;
    const entry = this.size++;
    slots[at] = a;
    slots[at + 1] = b;
    slots[at + OWNER] = ((entry + 1) << TAG_BITS) | tag;
    this.#kinds[entry] = kind;
    this.#places[entry] = place;
    if (this.size === this.#entriesMax) this.#grow();
    return entry;
  }

  #takeArena(bytes: number): number {
    const start = this.#arenaEnd;
    this.#arenaEnd = start + bytes;
    if (this.#arenaEnd > this.#arena.length) {
      const arena = Buffer.from(new ArrayBuffer(this.#arena.length * 2));
      arena.set(this.#arena);
      this.#arena = arena;
    }
    return start;
  }

  #grow(): void {
    const old = this.#slots;
    const capacity = (this.#mask + 1) * 2;
    const slots = new Int32Array(capacity << SLOT_SHIFT);
    const mask = capacity - 1;
    for (let from = 0; from < old.length; from += 1 << SLOT_SHIFT) {
      const owner = old[from + OWNER] as number;
      if (owner === 0) continue;
      const a = old[from] as number;
      const b = old[from + 1] as number;
      const c = old[from + 2] as number;
      const tag = owner & TAG_MASK;
      const isLong = tag > SLOT_TEXT_MAX && tag <= SHORT_TEXT_MAX;
      const d = isLong ? (this.#fourths[entryOf(owner)] as number) : 0;
      let slot = mix(a, b, c, d, tag) & mask;
      while (slots[(slot << SLOT_SHIFT) + OWNER] !== 0) slot = (slot + 1) & mask;
      const at = slot << SLOT_SHIFT;
      slots[at] = a;
      slots[at + 1] = b;
      slots[at + 2] = c;
      slots[at + OWNER] = owner;
    }
    this.#slots = slots;
    this.#mask = mask;
    this.#entriesMax = entriesFor(capacity);
    this.#kinds = grown(this.#kinds, this.#entriesMax);
    this.#places = grown(this.#places, this.#entriesMax);
    this.#lengths = grown(this.#lengths, this.#entriesMax);
    if (this.#numberCount > 0) this.#numbers = grown(this.#numbers, this.#entriesMax);
    if (this.#fourths.length > 0) this.#fourths = grown(this.#fourths, this.#entriesMax);
  }
}

const entriesFor = (slots: number): number => Math.floor((slots * 2) / 3);

/** Of a slot that is taken. */
const entryOf = (owner: number): number => (owner >>> TAG_BITS) - 1;

function grown<T extends Uint8Array | Uint32Array | Int32Array | Float64Array>(old: T, length: number): T {
  const array = new (old.constructor as new (length: number) => T)(length);
  array.set(old);
  return array;
}
