/**
 * The twin of kernel.c in plain TypeScript: the same words in the same order, from the same calls.
 *
 * Invariant: entries are at most half of the slots, and an entry's word stands in the arena, lower-cased.
 */
import { assert } from "../../base/assert.ts";
import {
  BLOCK_BYTES,
  GATHER_BYTES_MAX,
  GATHER_ROWS_MAX,
  type GatheredWords,
  isRunByte,
  TABLE_ENTRIES_MAX,
  type TableLimits,
  WORD_BYTES_MAX,
  WORDS,
  type WordClass,
  type WordTable,
} from "./word-table.ts";

const LINE_FEED = 0x0a;
const ENTRIES_MIN = 1 << 10;
const ARENA_BYTES_MIN = 1 << 14;
const STRING_SEED = 0x811c9dc5;
const STRING_PRIME = 0x01000193;

/** What each byte of a word becomes; 0 for every other byte. */
const textsOf = ({ members, isLowered }: WordClass): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, byte) => (members[byte] === true ? byte | (isLowered ? 0x20 : 0) : 0));

export class PlainWordTable implements WordTable {
  entries = 0;
  isFull = false;
  words = 0;
  lines = 0;
  #class = WORDS;
  #texts = textsOf(WORDS);
  #limits: TableLimits = { entriesMax: 1, bytesMax: 1, entryBytes: 1 };
  #bytesHeld = 0;
  /** Entry + 1; 0 is free. */
  #slots = new Uint32Array(2 * ENTRIES_MIN);
  #hashes = new Uint32Array(ENTRIES_MIN);
  #offsets = new Uint32Array(ENTRIES_MIN);
  #lengths = new Uint32Array(ENTRIES_MIN);
  #counts = new Uint32Array(ENTRIES_MIN);
  #arena = new Uint8Array(ARENA_BYTES_MIN);
  #arenaBytes = 0;
  readonly #rest = new Uint8Array(BLOCK_BYTES + 1);
  #restBytes = 0;
  readonly #gatheredKeys = new Uint8Array(GATHER_BYTES_MAX);
  readonly #gatheredCounts = new Uint32Array(GATHER_ROWS_MAX);

  get rest(): Uint8Array {
    return this.#rest.subarray(0, this.#restBytes);
  }

  clear(limits: TableLimits, words = WORDS): void {
    assert(
      limits.entriesMax > 0 && limits.entriesMax <= TABLE_ENTRIES_MAX,
      "a table has room for its entries",
    );
    if (words !== this.#class) this.#texts = textsOf(words);
    this.#class = words;
    this.#limits = limits;
    this.#slots.fill(0);
    this.entries = 0;
    this.isFull = false;
    this.words = 0;
    this.lines = 0;
    this.#bytesHeld = 0;
    this.#arenaBytes = 0;
    this.#restBytes = 0;
  }

  take(bytes: Uint8Array, from: number, to: number): number {
    assert(to >= from && to - from <= BLOCK_BYTES, "a block fits the table's room");
    assert(!this.isFull, "a full table is cleared before it takes more");
    this.words = 0;
    this.lines = 0;
    this.#restBytes = 0;
    let at = from;
    while (at < to && !this.isFull) {
      const byte = bytes[at] as number;
      if (isRunByte(byte, this.#class)) at = this.#takeRun(bytes, at, to);
      else {
        if (byte === LINE_FEED) this.lines++;
        at++;
      }
    }
    return at;
  }

  describe(): { hashes: Uint32Array; lengths: Uint32Array } {
    return {
      hashes: this.#hashes.subarray(0, this.entries),
      lengths: this.#lengths.subarray(0, this.entries),
    };
  }

  gather(entries: Uint32Array): GatheredWords {
    let bytes = 0;
    for (let row = 0; row < entries.length; row++) {
      const entry = entries[row] as number;
      const offset = this.#offsets[entry] as number;
      const length = this.#lengths[entry] as number;
      this.#gatheredKeys.set(this.#arena.subarray(offset, offset + length), bytes);
      this.#gatheredCounts[row] = this.#counts[entry] as number;
      bytes += length;
    }
    return {
      keys: this.#gatheredKeys.subarray(0, bytes),
      counts: this.#gatheredCounts.subarray(0, entries.length),
    };
  }

  /** Takes the run that begins here; returns its end. */
  #takeRun(bytes: Uint8Array, start: number, to: number): number {
    const texts = this.#texts;
    const words = this.#class;
    let hash = STRING_SEED;
    let end = start;
    for (let lower = texts[bytes[end] as number] as number; lower !== 0; ) {
      hash = Math.imul(hash ^ lower, STRING_PRIME);
      if (++end === to) break;
      lower = texts[bytes[end] as number] as number;
    }
    const isMixed = end < to && isRunByte(bytes[end] as number, words);
    if (isMixed) while (end < to && isRunByte(bytes[end] as number, words)) end++;
    if (isMixed || end - start > WORD_BYTES_MAX) this.#handBack(bytes, start, end);
    else {
      this.words++;
      this.#count(bytes, start, end, finished(hash));
    }
    return end;
  }

  #handBack(bytes: Uint8Array, start: number, end: number): void {
    this.#rest.set(bytes.subarray(start, end), this.#restBytes);
    this.#restBytes += end - start;
    this.#rest[this.#restBytes++] = LINE_FEED;
  }

  #count(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hash & mask;
    for (let taken = slots[slot] as number; taken !== 0; taken = slots[slot] as number) {
      if (this.#hashes[taken - 1] === hash && this.#isWord(taken - 1, bytes, start, end)) {
        this.#counts[taken - 1]!++;
        return;
      }
      slot = (slot + 1) & mask;
    }
    this.#add(slot, bytes, start, end, hash);
  }

  #isWord(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#lengths[entry] !== end - start) return false;
    const arena = this.#arena;
    const texts = this.#texts;
    let offset = this.#offsets[entry] as number;
    for (let at = start; at < end; at++) if (arena[offset++] !== texts[bytes[at] as number]) return false;
    return true;
  }

  #add(slot: number, bytes: Uint8Array, start: number, end: number, hash: number): void {
    const texts = this.#texts;
    const entry = this.entries++;
    const length = end - start;
    if (this.#arenaBytes + length > this.#arena.length) this.#arena = widened(this.#arena);
    this.#hashes[entry] = hash;
    this.#offsets[entry] = this.#arenaBytes;
    this.#lengths[entry] = length;
    this.#counts[entry] = 1;
    for (let at = start; at < end; at++)
      this.#arena[this.#arenaBytes++] = texts[bytes[at] as number] as number;
    this.#slots[slot] = entry + 1;
    if (this.entries === this.#hashes.length) this.#grow();
    const { entriesMax, bytesMax, entryBytes } = this.#limits;
    this.#bytesHeld += entryBytes + length;
    this.isFull = this.entries >= entriesMax || this.#bytesHeld >= bytesMax;
  }

  #grow(): void {
    this.#hashes = widened(this.#hashes);
    this.#offsets = widened(this.#offsets);
    this.#lengths = widened(this.#lengths);
    this.#counts = widened(this.#counts);
    const slots = new Uint32Array(2 * this.#hashes.length);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.entries; entry++) {
      let slot = (this.#hashes[entry] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function widened<Column extends Uint8Array | Uint32Array>(column: Column): Column {
  const wider = new (column.constructor as new (length: number) => Column)(2 * column.length);
  wider.set(column);
  return wider;
}

/** What base/hash.ts does to the hash of a string. */
function finished(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
