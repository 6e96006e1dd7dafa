/**
 * Keys as bytes: comparing the bytes of two keys one by one, a prefix before the longer, gives what `compareKeys`
 * gives for the keys. So one kernel sorts and merges keys of every type, several keys and mixtures of types.
 *
 *     tag of the type, then
 *     undefined, null, false, true: nothing
 *     number, date: the 8 bytes of the double, big-endian, all inverted where negative, else only the sign; one NaN,
 *                   above all others; -0 as 0
 *     bigint: u8 sign (0 negative, 1 not) · u32 bytes of the magnitude · magnitude; both inverted where negative
 *     string: each UTF-16 unit as UTF-8 would have it, halves of pairs too: three bytes each
 *     bytes: as they are
 *     array: its elements · u8 0
 *     object: the array of its names · its values in that order
 *
 * Strings and bytes in arrays and objects: 0 becomes 0 255, and 0 1 stands behind them. What is to descend is
 * inverted, byte by byte.
 *
 * The order of the tags is that of `compareKeys`; 0 is none of them, and less than all inverted ones.
 */
import { sortedNames } from "../../../base/compare.ts";

export const KEY_TAG = {
  undefined: 1,
  null: 2,
  false: 3,
  true: 4,
  number: 5,
  bigint: 6,
  date: 7,
  string: 8,
  bytes: 9,
  array: 10,
  object: 11,
} as const;

const END = 0;
const ESCAPED_ZERO = 0xff;
const TEXT_END = 1;
const BYTES_MIN = 256;

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);
/** Of the double in memory, from its first byte in big-endian order on. */
const BIG_ENDIAN =
  new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? [7, 6, 5, 4, 3, 2, 1, 0] : [...doubleBytes.keys()];

export class KeyBytes {
  #bytes: Buffer = Buffer.allocUnsafeSlow(BYTES_MIN);
  #length = 0;

  /**
   * The bytes of a key that `checkKey` accepts; valid until the next call.
   * @param descending For the elements of array keys in turn; elements beyond the list ascend, and a key that is no
   *   array goes by the first. Undefined: all ascend.
   */
  of(key: unknown, descending?: readonly boolean[]): Buffer {
    this.#length = 0;
    if (descending === undefined) this.#value(key, false);
    else if (Array.isArray(key)) this.#directedArray(key, descending);
    else this.#directed(key, descending[0] === true);
    return this.#bytes.subarray(0, this.#length);
  }

  #directedArray(key: readonly unknown[], descending: readonly boolean[]): void {
    this.#u8(KEY_TAG.array);
    if (descending[0] === true) this.#invert(0);
    for (let i = 0; i < key.length; i++) this.#directed(key[i], descending[i] === true);
    this.#u8(END);
  }

  #directed(key: unknown, descending: boolean): void {
    const start = this.#length;
    this.#value(key, true);
    if (descending) this.#invert(start);
  }

  /** @param inside Whether something comes behind it, so that its end must show. */
  #value(key: unknown, inside: boolean): void {
    switch (typeof key) {
      case "undefined":
        return this.#u8(KEY_TAG.undefined);
      case "boolean":
        return this.#u8(key ? KEY_TAG.true : KEY_TAG.false);
      case "number":
        return this.#number(KEY_TAG.number, key);
      case "bigint":
        return this.#bigint(key);
      case "string":
        return this.#text(key, inside);
      default:
        return this.#object(key as object | null, inside);
    }
  }

  #object(key: object | null, inside: boolean): void {
    if (key === null) return this.#u8(KEY_TAG.null);
    if (Array.isArray(key)) return this.#array(key);
    if (key instanceof Date) return this.#number(KEY_TAG.date, key.getTime());
    if (key instanceof Uint8Array) return this.#raw(key, inside);
    const names = sortedNames(key);
    this.#u8(KEY_TAG.object);
    this.#array(names);
    for (const name of names) this.#value((key as Record<string, unknown>)[name], true);
  }

  #array(key: readonly unknown[]): void {
    this.#u8(KEY_TAG.array);
    for (let i = 0; i < key.length; i++) this.#value(key[i], true);
    this.#u8(END);
  }

  #number(tag: number, value: number): void {
    this.#room(9);
    // 0 + -0 is 0, and which NaN it was does not count.
    double[0] = Number.isNaN(value) ? Number.NaN : 0 + value;
    const negative = value < 0;
    let at = this.#length;
    this.#bytes[at++] = tag;
    for (let i = 0; i < 8; i++) {
      const byte = doubleBytes[BIG_ENDIAN[i] as number] as number;
      this.#bytes[at++] = negative ? byte ^ 0xff : i === 0 ? (byte & 0x7f) | 0x80 : byte;
    }
    this.#length = at;
  }

  #bigint(value: bigint): void {
    const negative = value < 0n;
    const digits = (negative ? -value : value).toString(16);
    const magnitude = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
    this.#u8(KEY_TAG.bigint);
    this.#u8(negative ? 0 : 1);
    const start = this.#length;
    this.#room(4 + magnitude.length);
    this.#length = this.#bytes.writeUInt32BE(magnitude.length, start);
    this.#bytes.set(magnitude, this.#length);
    this.#length += magnitude.length;
    if (negative) this.#invert(start);
  }

  #text(text: string, inside: boolean): void {
    // A unit has three bytes at most, and a zero two.
    this.#room(3 * text.length + 3);
    const bytes = this.#bytes;
    bytes[this.#length] = KEY_TAG.string;
    let at = this.#length + 1;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit < 0x80) {
        bytes[at++] = unit;
        if (unit === 0 && inside) bytes[at++] = ESCAPED_ZERO;
      } else at = writeUnit(bytes, at, unit);
    }
    this.#length = at;
    if (inside) this.#textEnd();
  }

  #raw(raw: Uint8Array, inside: boolean): void {
    this.#room(2 * raw.length + 3);
    this.#u8(KEY_TAG.bytes);
    for (let i = 0; i < raw.length; i++) {
      const byte = raw[i] as number;
      this.#bytes[this.#length++] = byte;
      if (byte === 0 && inside) this.#bytes[this.#length++] = ESCAPED_ZERO;
    }
    if (inside) this.#textEnd();
  }

  #textEnd(): void {
    this.#u8(END);
    this.#u8(TEXT_END);
  }

  #u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  #invert(from: number): void {
    for (let at = from; at < this.#length; at++) this.#bytes[at] = (this.#bytes[at] as number) ^ 0xff;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Half of a pair, or any other unit from 0x80 on. Returns where the next goes. */
function writeUnit(bytes: Uint8Array, from: number, unit: number): number {
  let at = from;
  if (unit < 0x800) bytes[at++] = 0xc0 | (unit >> 6);
  else {
    bytes[at++] = 0xe0 | (unit >> 12);
    bytes[at++] = 0x80 | ((unit >> 6) & 0x3f);
  }
  bytes[at++] = 0x80 | (unit & 0x3f);
  return at;
}

/** Bytes of a text at most, in the form in which texts are compared. */
export const unitBytesMax = (text: string): number => 3 * text.length;

/** Writes a text in the form in which texts are compared; returns where it ends. There must be room. */
export function writeUnits(bytes: Uint8Array, from: number, text: string): number {
  let at = from;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes[at++] = unit;
    else at = writeUnit(bytes, at, unit);
  }
  return at;
}

/** The text that `writeUnits` wrote. */
export function readUnits(bytes: Uint8Array, from: number, to: number): string {
  const units: number[] = [];
  let text = "";
  for (let at = from; at < to; ) {
    const first = bytes[at] as number;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : 3;
    let unit = length === 1 ? first : first & (length === 2 ? 0x1f : 0x0f);
    for (let i = 1; i < length; i++) unit = (unit << 6) | ((bytes[at + i] as number) & 0x3f);
    if (units.push(unit) === UNITS_AT_ONCE) text += String.fromCharCode(...units.splice(0));
    at += length;
  }
  return text + String.fromCharCode(...units);
}

const UNITS_AT_ONCE = 4096;
