/**
 * Hashes keys: keys that `compareKeys` calls equal hash equally, on every machine and in every version, because a
 * key's hash decides which partition it goes to. It is also the gate that refuses what cannot be a key.
 *
 * Not for secrets. Strings: FNV-1a over UTF-16 code units; every hash goes through murmur3's finaliser, so that
 * both the low bits (tables) and the high bits (partitions) are usable.
 */
import { isPlainObject, sortedNames } from "./compare.ts";
import { BicoastalError } from "./errors.ts";

/** Deeper keys are refused; a key that contains itself would never end. */
export const KEY_DEPTH_MAX = 32;

const UNDEFINED_HASH = 0x2545f491;
const NULL_HASH = 0x5bd1e995;
const FALSE_HASH = 0x1b873593;
const TRUE_HASH = 0xcc9e2d51;
const BIGINT_SEED = 0x3c6ef372;
const DATE_SEED = 0x27d4eb2f;
const BYTES_SEED = 0x165667b1;
const ARRAY_SEED = 0x0a54ff53;
const OBJECT_SEED = 0x7510e527;

const float = new DataView(new ArrayBuffer(8));

/**
 * @returns A whole number in [0, 2^32).
 * @throws KEY_INVALID for functions, symbols, promises, class instances, maps, sets, and keys that contain them.
 */
export function hashKey(key: unknown): number {
  if (typeof key === "string") return hashString(key) >>> 0;
  if (typeof key === "number") return hashNumber(key) >>> 0;
  return hashOther(key, 0) >>> 0;
}

/** Throws KEY_INVALID for what `hashKey` refuses; free for the common types. */
export function checkKey(key: unknown): void {
  if (typeof key === "object" || typeof key === "function" || typeof key === "symbol") hashOther(key, 0);
}

/** Which of so many partitions a key with this hash belongs to: by the high bits, which tables leave unused. */
export const partitionOf = (hash: number, partitions: number): number =>
  Math.floor((hash * partitions) / 0x100000000);

/** A text's hash, taken apart for loops that look at its units anyway: `finishHash(units.reduce(hashUnit, TEXT_SEED)) >>> 0`. */
export const TEXT_SEED = 0x811c9dc5;
export const hashUnit = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193);

function hashString(text: string): number {
  let hash = TEXT_SEED;
  for (let i = 0; i < text.length; i++) hash = hashUnit(hash, text.charCodeAt(i));
  return finishHash(hash);
}

function hashNumber(value: number): number {
  // Covers -0, which must hash as 0 does.
  if ((value | 0) === value) return finishHash((value | 0) ^ 0x9e3779b9);
  float.setFloat64(0, Number.isNaN(value) ? Number.NaN : value);
  return finishHash(float.getInt32(0) ^ Math.imul(float.getInt32(4), 0x85ebca6b));
}

function hashOther(key: unknown, depth: number): number {
  if (depth > KEY_DEPTH_MAX) throw tooDeep();
  switch (typeof key) {
    case "undefined":
      return UNDEFINED_HASH;
    case "boolean":
      return key ? TRUE_HASH : FALSE_HASH;
    case "number":
      return hashNumber(key);
    case "string":
      return hashString(key);
    case "bigint":
      return mix(BIGINT_SEED, hashString(key.toString(36)));
    case "object":
      return key === null ? NULL_HASH : hashObject(key, depth);
    default:
      throw invalid(key);
  }
}

function hashObject(key: object, depth: number): number {
  if (Array.isArray(key)) {
    let hash = ARRAY_SEED;
    for (let i = 0; i < key.length; i++) hash = mix(hash, hashOther(key[i], depth + 1));
    return hash;
  }
  if (isPlainObject(key)) {
    let hash = OBJECT_SEED;
    for (const name of sortedNames(key)) {
      hash = mix(mix(hash, hashString(name)), hashOther(key[name], depth + 1));
    }
    return hash;
  }
  if (key instanceof Date) return mix(DATE_SEED, hashNumber(key.getTime()));
  if (key instanceof Uint8Array) {
    let hash = BYTES_SEED;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x01000193);
    return finishHash(hash);
  }
  throw invalid(key);
}

const mix = (hash: number, word: number): number => finishHash(Math.imul(hash, 31) + word);

/** Spreads what went in over all 32 bits; signed. */
export function finishHash(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function invalid(key: unknown): BicoastalError {
  const type = describe(key);
  return new BicoastalError(
    "KEY_INVALID",
    `A key is ${type}, or contains one, and that cannot be compared. ${adviceFor(key)} ` +
      "Keys may be undefined, null, booleans, numbers, bigints, dates, strings, Uint8Arrays, and arrays and plain objects of these.",
    { details: { type } },
  );
}

function describe(key: unknown): string {
  if (typeof key !== "object" || key === null) return `a ${typeof key}`;
  const prototype = Object.getPrototypeOf(key) as { constructor?: { name?: unknown } } | null;
  const name = prototype?.constructor?.name;
  return typeof name === "string" && name !== ""
    ? `an instance of ${name}`
    : "an instance of a class without a name";
}

function adviceFor(key: unknown): string {
  if (typeof key === "function") return "Call the function and use what it returns.";
  if (key instanceof Promise)
    return "Key functions must return the key itself, so await the promise in an earlier step.";
  if (key instanceof Map || key instanceof Set) return "Use a sorted array of its entries.";
  return "Use the field or fields that identify it.";
}

const tooDeep = (): BicoastalError =>
  new BicoastalError(
    "KEY_INVALID",
    `A key is nested deeper than ${KEY_DEPTH_MAX} levels, or contains itself. Use the fields that identify the record.`,
    { details: { depthMax: KEY_DEPTH_MAX } },
  );
