/**
 * Keys that wait to be looked up some at a time. A table of many keys is larger than the caches: looked up one by one,
 * each key waits for its line of memory. Of keys that are known beforehand, the lines are fetched together.
 *
 * Holds short ASCII texts with a number each, as a generated loop gives them, and the row that each is of: what folds
 * them later fails at that row. Keys leave in the order in which they came, so that nothing but time depends on them
 * having waited.
 */

/** Twice as many gain nothing; half as many gain less. */
export const HELD_MAX = 128;
/** Of one key: four words of text, its length, its hash before it is cut to the table's size, its row, and one unused. */
export const HELD_SHIFT = 3;
export const HELD_LENGTH = 4;
export const HELD_HASH = 5;
const HELD_ROW = 6;
/** So many keys tell what the others are like. */
const SAMPLE_KEYS = 4096;
/** The part of all keys, by arrival, that counts as early. */
const EARLY_SHIFT = 4;
const TEXT_MAX = 16;
const ASCII_MAX = 0x7f;

export class HeldKeys {
  readonly words = new Int32Array(HELD_MAX << HELD_SHIFT);
  readonly values = new Float64Array(HELD_MAX);
  /** Of those that were looked up; -1: it had none. */
  readonly entries = new Int32Array(HELD_MAX);
  count = 0;
  /** The one that is being folded; -1: none. */
  folding = -1;
  #folded = 0;
  #foldedEarly = 0;

  get isFull(): boolean {
    return this.count === HELD_MAX;
  }

  /** Takes a key, if it is a short ASCII text. Not to be called when full. */
  hold(text: string, value: number, row: number): boolean {
    const { length } = text;
    if (length > TEXT_MAX) return false;
    const { words } = this;
    const at = this.count << HELD_SHIFT;
    let units = 0;
    let i = 0;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    const endA = Math.min(length, 4);
    for (; i < endA; i++) {
      const unit = text.charCodeAt(i);
      units |= unit;
      a = (a << 8) | unit;
    }
    if (length > 4) {
      const endB = Math.min(length, 8);
      for (; i < endB; i++) {
        const unit = text.charCodeAt(i);
        units |= unit;
        b = (b << 8) | unit;
      }
      if (length > 8) {
        const endC = Math.min(length, 12);
        for (; i < endC; i++) {
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
    if (units > ASCII_MAX) return false;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    words[at + HELD_LENGTH] = length;
    words[at + HELD_HASH] = mix(a, b, c, d, length);
    words[at + HELD_ROW] = row;
    this.values[this.count++] = value;
    return true;
  }

  /**
   * Whether keys gain from waiting. Where most are the same few, as the words of a text are, their lines stay near
   * anyway; and what comes often comes early.
   */
  get areSpread(): boolean {
    return this.#folded < SAMPLE_KEYS || this.#foldedEarly * 2 < this.#folded;
  }

  /** Entries before this one are early. */
  earlyOf(size: number): number {
    return size >>> EARLY_SHIFT;
  }

  /** All are folded, so many of them into early entries. */
  release(early: number): void {
    this.#folded += this.count;
    this.#foldedEarly += early;
    this.count = 0;
    this.folding = -1;
  }

  /** Of the one that is being folded. */
  get failedRow(): number {
    return this.words[(this.folding << HELD_SHIFT) + HELD_ROW] as number;
  }

  textOf(held: number): string {
    const at = held << HELD_SHIFT;
    const length = this.words[at + HELD_LENGTH] as number;
    const bytes = Buffer.allocUnsafe(length);
    this.copyText(held, bytes, 0);
    return bytes.toString("latin1");
  }

  copyText(held: number, target: Uint8Array, start: number): void {
    const at = held << HELD_SHIFT;
    const length = this.words[at + HELD_LENGTH] as number;
    for (let from = 0; from < length; from += 4) {
      const units = Math.min(length - from, 4);
      const word = this.words[at + (from >> 2)] as number;
      // The last character of a word is in its lowest byte.
      for (let i = 0; i < units; i++) target[start + from + i] = word >>> (8 * (units - 1 - i));
    }
  }
}

/** Where a key's slot is looked for; of no meaning outside of one table. */
export function mix(a: number, b: number, c: number, d: number, tag: number): number {
  let hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b) ^ tag;
  hash ^= Math.imul(c ^ Math.imul(d, 0x27d4eb2f), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
