/** In which order the keys of JSON lines come, learned from the lines themselves. */
import { skipBlanks, skipValue, stringEnd } from "./json-skip.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** More keys make code too large for the optimizer. */
const KEYS_MAX = 128;

/**
 * The keys of the object that begins at `at`, in order; undefined where one stands twice, is written with escapes,
 * or anything else is not certain.
 */
export function keysOf(bytes: Buffer, at: number): readonly string[] | undefined {
  const keys: string[] = [];
  if (bytes[at] !== OPEN_OBJECT) return undefined;
  for (let index = skipBlanks(bytes, at + 1); ; index = skipBlanks(bytes, index + 1)) {
    const close = bytes[index] === QUOTE ? stringEnd(bytes, index + 1) : -1;
    if (close === -1) return undefined;
    const key = plainKey(bytes.subarray(index + 1, close));
    if (key === undefined || keys.includes(key) || keys.length === KEYS_MAX) return undefined;
    keys.push(key);
    const colon = skipBlanks(bytes, close + 1);
    if (bytes[colon] !== COLON) return undefined;
    const end = skipValue(bytes, skipBlanks(bytes, colon + 1));
    if (end === -1) return undefined;
    index = skipBlanks(bytes, end);
    if (bytes[index] === CLOSE_OBJECT) return keys;
    if (bytes[index] !== COMMA) return undefined;
  }
}

/** Only what is written one way: no escapes, and no bytes that become U+FFFD, as many do. */
function plainKey(bytes: Buffer): string | undefined {
  const key = bytes.toString("utf8");
  return key.includes("\\") || !Buffer.from(key).equals(bytes) ? undefined : key;
}

/**
 * All keys of both, each of which is in an order that fits the result; undefined where there is none such.
 *
 * @example mergeKeys(["a", "c"], ["a", "b", "c", "d"]) // ["a", "b", "c", "d"]
 * @example mergeKeys(["a", "b"], ["b", "a"]) // undefined
 */
export function mergeKeys(known: readonly string[], keys: readonly string[]): readonly string[] | undefined {
  const merged: string[] = [];
  let taken = 0;
  for (const key of keys) {
    const at = known.indexOf(key);
    if (at !== -1) {
      if (at < taken) return undefined;
      merged.push(...known.slice(taken, at));
      taken = at + 1;
    }
    merged.push(key);
  }
  merged.push(...known.slice(taken));
  return merged.length > KEYS_MAX ? undefined : merged;
}
