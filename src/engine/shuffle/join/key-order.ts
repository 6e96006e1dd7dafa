/**
 * Puts the distinct keys of a table into the order of `compareKeys`.
 *
 * Numbers and texts, which most keys are, are sorted by radix on 64 bits: all of a number, or the first units of a
 * text after what all of them begin with. Texts that are alike in these are compared. Everything else is compared.
 */
import { compareKeys } from "../../../base/compare.ts";

/** Below so many, comparing is as quick as counting. */
const RADIX_MIN = 512;
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const LATIN1_MAX = 0xff;
/** A text may be long, and all alike. */
const COMMON_UNITS_MAX = 256;

/** Sorts these numbers of keys in place. Keys must differ. */
export function sortByKey(entries: Uint32Array, keys: readonly unknown[]): Uint32Array {
  const kind = typeof keys[entries[0] as number];
  const alike = entries.every((entry) => typeof keys[entry] === kind);
  if (entries.length >= RADIX_MIN && alike) {
    if (kind === "number") return sortNumbers(entries, keys as readonly number[]);
    if (kind === "string") return sortTexts(entries, keys as readonly string[]);
  }
  if (alike && kind === "string") return entries.sort(textOrder(keys as readonly string[]));
  return entries.sort((a, b) => compareKeys(keys[a], keys[b]));
}

const textOrder =
  (keys: readonly string[]) =>
  (a: number, b: number): number =>
    (keys[a] as string) < (keys[b] as string) ? -1 : 1;

function sortNumbers(entries: Uint32Array, keys: readonly number[]): Uint32Array {
  const high = new Uint32Array(entries.length);
  const low = new Uint32Array(entries.length);
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < entries.length; i++) {
    // -0 is 0; NaN, of which there are many patterns, comes last.
    const key = (keys[entries[i] as number] as number) + 0;
    view.setFloat64(0, key);
    const bits = view.getUint32(0);
    const negative = bits >= 0x80000000 && key < 0;
    high[i] = Number.isNaN(key) ? 0xffffffff : negative ? ~bits : bits | 0x80000000;
    low[i] = Number.isNaN(key) ? 0xffffffff : negative ? ~view.getUint32(4) : view.getUint32(4);
  }
  return picked(entries, radixOrder(high, low));
}

function sortTexts(entries: Uint32Array, keys: readonly string[]): Uint32Array {
  const skipped = commonUnits(entries, keys);
  const narrow = entries.every((entry) => isLatin1(keys[entry] as string, skipped, skipped + 8));
  const high = new Uint32Array(entries.length);
  const low = new Uint32Array(entries.length);
  const units = narrow ? 4 : 2;
  for (let i = 0; i < entries.length; i++) {
    const key = keys[entries[i] as number] as string;
    high[i] = packed(key, skipped, units);
    low[i] = packed(key, skipped + units, units);
  }
  return byPrefix(entries, high, low, textOrder(keys));
}

/** In the order of (high, low); those that are alike in these are compared. */
function byPrefix(
  entries: Uint32Array,
  high: Uint32Array,
  low: Uint32Array,
  compare: (a: number, b: number) => number,
): Uint32Array {
  const order = radixOrder(high, low);
  const sorted = picked(entries, order);
  for (let from = 0; from < order.length; ) {
    const first = order[from] as number;
    let to = from + 1;
    while (
      to < order.length &&
      high[order[to] as number] === high[first] &&
      low[order[to] as number] === low[first]
    )
      to++;
    if (to - from > 1) sorted.subarray(from, to).sort(compare);
    from = to;
  }
  return sorted;
}

/** Latin-1 texts, by number: where each begins in the bytes, and how long it is. */
export interface Latin1Keys {
  readonly bytes: Uint8Array;
  readonly starts: Uint32Array;
  readonly lengths: Uint8Array;
}

/** `sortByKey` for texts that are bytes: these have the order of their units. */
export function sortLatin1(entries: Uint32Array, keys: Latin1Keys): Uint32Array {
  const compare = latin1Order(keys);
  if (entries.length < RADIX_MIN) return entries.sort(compare);
  const skipped = commonBytes(entries, keys);
  const high = new Uint32Array(entries.length);
  const low = new Uint32Array(entries.length);
  const { bytes, starts, lengths } = keys;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as number;
    const at = (starts[entry] as number) + skipped;
    const end = (starts[entry] as number) + (lengths[entry] as number);
    high[i] = packedBytes(bytes, at, end);
    low[i] = packedBytes(bytes, at + 4, end);
  }
  return byPrefix(entries, high, low, compare);
}

const latin1Order =
  ({ bytes, starts, lengths }: Latin1Keys) =>
  (a: number, b: number): number => {
    const ofA = lengths[a] as number;
    const ofB = lengths[b] as number;
    const inA = starts[a] as number;
    const inB = starts[b] as number;
    for (let i = 0; i < ofA && i < ofB; i++) {
      const apart = (bytes[inA + i] as number) - (bytes[inB + i] as number);
      if (apart !== 0) return apart;
    }
    return ofA - ofB;
  };

function commonBytes(entries: Uint32Array, { bytes, starts, lengths }: Latin1Keys): number {
  const first = entries[0] as number;
  const firstAt = starts[first] as number;
  let common = lengths[first] as number;
  for (let i = 1; i < entries.length && common > 0; i++) {
    const entry = entries[i] as number;
    const start = starts[entry] as number;
    const most = Math.min(common, lengths[entry] as number);
    let at = 0;
    while (at < most && bytes[start + at] === bytes[firstAt + at]) at++;
    common = at;
  }
  return common;
}

/** Four bytes as one number that has their order; what is beyond the end counts as 0. */
function packedBytes(bytes: Uint8Array, from: number, end: number): number {
  let word = 0;
  for (let at = from; at < from + 4; at++) word = (word << 8) | (at < end ? (bytes[at] as number) : 0);
  return word >>> 0;
}

/** How many units all of these texts have in common. */
function commonUnits(entries: Uint32Array, keys: readonly string[]): number {
  const first = keys[entries[0] as number] as string;
  let common = Math.min(first.length, COMMON_UNITS_MAX);
  for (const entry of entries) {
    const key = keys[entry] as string;
    let at = 0;
    while (at < common && key.charCodeAt(at) === first.charCodeAt(at)) at++;
    common = at;
    if (common === 0) break;
  }
  return common;
}

function isLatin1(text: string, from: number, to: number): boolean {
  for (let at = from; at < Math.min(to, text.length); at++)
    if (text.charCodeAt(at) > LATIN1_MAX) return false;
  return true;
}

/** So many units as one number that has their order; what is beyond the end counts as 0. */
function packed(text: string, from: number, units: number): number {
  let word = 0;
  for (let at = from; at < from + units; at++) {
    const unit = at < text.length ? text.charCodeAt(at) : 0;
    word = units === 4 ? (word << 8) | unit : (word << 16) | unit;
  }
  return word >>> 0;
}

/** The indices in the order of (high, low), equal ones as they were. */
function radixOrder(high: Uint32Array, low: Uint32Array): Uint32Array {
  let order = new Uint32Array(high.length);
  for (let i = 0; i < order.length; i++) order[i] = i;
  let spare = new Uint32Array(order.length);
  for (const word of [low, high]) {
    for (let shift = 0; shift < 32; shift += DIGIT_BITS) {
      if (!scatter(order, spare, word, shift)) continue;
      [order, spare] = [spare, order];
    }
  }
  return order;
}

/** One pass; false where all have the same digit and nothing was done. */
function scatter(order: Uint32Array, to: Uint32Array, word: Uint32Array, shift: number): boolean {
  const starts = new Uint32Array(DIGITS);
  for (let i = 0; i < word.length; i++) {
    const digit = ((word[i] as number) >>> shift) & (DIGITS - 1);
    starts[digit] = (starts[digit] as number) + 1;
  }
  if (starts[((word[0] as number) >>> shift) & (DIGITS - 1)] === word.length) return false;
  let start = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit] as number;
    starts[digit] = start;
    start += count;
  }
  for (let i = 0; i < order.length; i++) {
    const index = order[i] as number;
    const digit = ((word[index] as number) >>> shift) & (DIGITS - 1);
    const at = starts[digit] as number;
    to[at] = index;
    starts[digit] = at + 1;
  }
  return true;
}

function picked(entries: Uint32Array, order: Uint32Array): Uint32Array {
  const sorted = new Uint32Array(order.length);
  for (let i = 0; i < order.length; i++) sorted[i] = entries[order[i] as number] as number;
  return sorted;
}
