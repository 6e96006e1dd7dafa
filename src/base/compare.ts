/**
 * The one order of keys, everywhere: sorting, grouping, joining and merging all go by it.
 *
 *     undefined < null < false < true < numbers < bigints < dates < strings < bytes < arrays < objects
 *
 * Numbers by value, -0 equal to 0, NaN after all others and equal to itself; dates by time, invalid ones last;
 * strings by UTF-16 code units; bytes and arrays element by element, a prefix before the longer; objects by their
 * sorted field names, and then by the values in that order. Equality is structural and is what `hashKey` hashes.
 */
import { assert } from "./assert.ts";

/** Negative, zero or positive, as `Array.prototype.sort` wants it. Total over the keys that `hashKey` accepts. */
export function compareKeys(a: unknown, b: unknown): number {
  if (typeof a === "string" && typeof b === "string") return a < b ? -1 : a === b ? 0 : 1;
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  if (a === b) return 0;
  const rankA = rankOf(a);
  const rankB = rankOf(b);
  return rankA === rankB ? compareSameRank(rankA, a, b) : rankA - rankB;
}

/** Whether two keys are the same key. */
export const sameKey = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === typeof b && typeof a !== "string" && compareKeys(a, b) === 0);

/** A plain record: what an object literal or `JSON.parse` makes, or an object without a prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Field names by code units. Those of a literal often are in order already, and sorting is most of the cost. */
export function sortedNames(record: object): readonly string[] {
  const names = Object.keys(record);
  for (let i = 1; i < names.length; i++) {
    if ((names[i - 1] as string) > (names[i] as string)) return names.sort();
  }
  return names;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === b) return 0;
  // At least one is NaN, and goes last.
  return Number.isNaN(a) ? (Number.isNaN(b) ? 0 : 1) : -1;
}

const RANK_DATE = 6;
const RANK_BYTES = 8;
const RANK_ARRAY = 9;
const RANK_OBJECT = 10;

function rankOf(key: unknown): number {
  switch (typeof key) {
    case "undefined":
      return 0;
    case "boolean":
      return key ? 3 : 2;
    case "number":
      return 4;
    case "bigint":
      return 5;
    case "string":
      return 7;
    case "object":
      if (key === null) return 1;
      if (Array.isArray(key)) return RANK_ARRAY;
      if (key instanceof Date) return RANK_DATE;
      return key instanceof Uint8Array ? RANK_BYTES : RANK_OBJECT;
    default:
      assert(false, `a key of type ${typeof key} is refused before it is compared`);
  }
}

/** Both are of the same rank, and not identical. */
function compareSameRank(rank: number, a: unknown, b: unknown): number {
  switch (rank) {
    case 5:
      return (a as bigint) < (b as bigint) ? -1 : (a as bigint) > (b as bigint) ? 1 : 0;
    case RANK_DATE:
      return compareNumbers((a as Date).getTime(), (b as Date).getTime());
    case RANK_BYTES:
      return compareBytes(a as Uint8Array, b as Uint8Array);
    case RANK_ARRAY:
      return compareArrays(a as readonly unknown[], b as readonly unknown[]);
    case RANK_OBJECT:
      return compareRecords(a as Record<string, unknown>, b as Record<string, unknown>);
    default:
      return 0;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareKeys(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareRecords(a: Record<string, unknown>, b: Record<string, unknown>): number {
  const namesA = sortedNames(a);
  const namesB = sortedNames(b);
  const names = compareArrays(namesA, namesB);
  if (names !== 0) return names;
  for (const name of namesA) {
    const order = compareKeys(a[name], b[name]);
    if (order !== 0) return order;
  }
  return 0;
}
