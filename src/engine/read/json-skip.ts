/**
 * Finds where a JSON value ends, in bytes, without making anything of it. It accepts only what `JSON.parse` accepts,
 * so that a record whose other fields are skipped is as valid as one that was parsed; what it is not certain of
 * (blanks in odd places, deep nesting, anything wrong) is -1, and the strict parser's to decide.
 *
 * Every loop ends at a line feed, which no value has: the bytes must have one at or behind `at`.
 */

/** One bit a level tells objects from arrays. */
const SKIP_DEPTH_MAX = 30;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const TAB = 0x09;

/** 1 for the bytes that are not just part of a string's text: one look in place of three comparisons. */
const ENDS_TEXT = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);

/** Index behind the value that begins at `at`, or -1. */
export function skipValue(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(bytes, at + 1) + 1 || -1;
  if (first === OPEN_OBJECT || first === OPEN_ARRAY) return skipNested(bytes, at);
  return skipScalar(bytes, at);
}

/** Index of the quote that closes the string whose text begins, or goes on, at `at`; -1 where it is no JSON. */
export function stringEnd(bytes: Uint8Array, at: number): number {
  for (let index = at; ; index++) {
    while (ENDS_TEXT[bytes[index] as number] === 0) index += 1;
    if (bytes[index] === QUOTE) return index;
    if (bytes[index] !== BACKSLASH) return -1;
    index = escapeEnd(bytes, index + 1);
    if (index === -1) return -1;
  }
}

/** Index of the last byte of the escape whose backslash stands before `at`, or -1. */
function escapeEnd(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at;
    case 0x75: // u
      for (let index = at + 1; index <= at + 4; index++) if (!isHex(bytes[index] as number)) return -1;
      return at + 4;
    default:
      return -1;
  }
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Index behind the number that begins at `at`, as JSON has numbers, or -1. What follows it is not looked at. */
export function numberEnd(bytes: Uint8Array, at: number): number {
  let index = bytes[at] === 0x2d ? at + 1 : at;
  const first = bytes[index] as number;
  if (!isDigit(first)) return -1;
  index = first === 0x30 ? index + 1 : digitsEnd(bytes, index + 1);
  if (bytes[index] === 0x2e) {
    const digits = index + 1;
    index = digitsEnd(bytes, digits);
    if (index === digits) return -1;
  }
  if (((bytes[index] as number) | 0x20) !== 0x65) return index;
  const sign = bytes[index + 1];
  const digits = sign === 0x2b || sign === 0x2d ? index + 2 : index + 1;
  index = digitsEnd(bytes, digits);
  return index === digits ? -1 : index;
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let index = at;
  while (isDigit(bytes[index] as number)) index += 1;
  return index;
}

function skipScalar(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x74:
      return bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65 ? at + 4 : -1;
    case 0x66:
      return bytes[at + 1] === 0x61 &&
        bytes[at + 2] === 0x6c &&
        bytes[at + 3] === 0x73 &&
        bytes[at + 4] === 0x65
        ? at + 5
        : -1;
    case 0x6e:
      return bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c ? at + 4 : -1;
    default:
      return numberEnd(bytes, at);
  }
}

export function skipBlanks(bytes: Uint8Array, at: number): number {
  let index = at;
  while (bytes[index] === SPACE || bytes[index] === TAB) index += 1;
  return index;
}

/** Index behind the colon of the key that begins at `at`, and behind the blanks that follow; -1 where there is none. */
function skipKey(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return -1;
  const close = stringEnd(bytes, at + 1);
  if (close === -1) return -1;
  const colon = skipBlanks(bytes, close + 1);
  return bytes[colon] === COLON ? skipBlanks(bytes, colon + 1) : -1;
}

function skipNested(bytes: Uint8Array, at: number): number {
  /** The lowest bit is of the innermost level: 1 for objects. */
  let levels = 0;
  let depth = 0;
  let index = at;
  for (;;) {
    // A value begins here.
    const first = bytes[index];
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (depth === SKIP_DEPTH_MAX) return -1;
      const isObject = first === OPEN_OBJECT;
      index = skipBlanks(bytes, index + 1);
      if (bytes[index] === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        index += 1;
      } else {
        levels = (levels << 1) | (isObject ? 1 : 0);
        depth += 1;
        if (isObject) index = skipKey(bytes, index);
        if (index === -1) return -1;
        continue;
      }
    } else {
      index = first === QUOTE ? stringEnd(bytes, index + 1) + 1 || -1 : skipScalar(bytes, index);
      if (index === -1) return -1;
    }
    // A value ended here, and with it perhaps levels around it.
    for (;;) {
      if (depth === 0) return index;
      index = skipBlanks(bytes, index);
      const isObject = (levels & 1) === 1;
      if (bytes[index] === COMMA) {
        index = skipBlanks(bytes, index + 1);
        if (isObject) index = skipKey(bytes, index);
        if (index === -1) return -1;
        break;
      }
      if (bytes[index] !== (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return -1;
      index += 1;
      levels >>= 1;
      depth -= 1;
    }
  }
}
