/**
 * Records as JSON text. `JSON.stringify` alone would write a Map or a group's values as `{}` and lose them without
 * a word, so a walk over the record first looks for what it cannot say; plain records, nearly all, go to it as they
 * are.
 *
 * As in JSON.stringify: fields that are undefined or functions are left out, NaN and infinities become null, and
 * objects with `toJSON` (dates) say themselves how. Beyond it: typed arrays, sets, maps (as a list of pairs) and
 * every other iterable become arrays. Refused: bigints, promises, cycles, and records that are nothing in JSON.
 */
import { BicoastalError } from "../../base/errors.ts";

/** Deeper records take the careful way, which keeps track of cycles. */
const PLAIN_DEPTH_MAX = 16;

/** @param what Names the end in errors: `write jsonl`. */
export function encodeJson(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(isPlain(value, 0) ? value : plainCopy(value, "", [], what));
  } catch (error) {
    if (error instanceof RangeError) {
      throw unencodable(
        what,
        "a record that is nested too deep or too long for JSON text",
        "Write a smaller record.",
      );
    }
    throw error;
  }
  if (text === undefined) {
    const got = typeof value === "undefined" ? "undefined" : `a ${typeof value}`;
    throw unencodable(
      what,
      `a record that is ${got}`,
      "Leave such records out with filter, or map them to null.",
    );
  }
  return text;
}

/** Whether JSON.stringify says all of it. A false answer only costs time. */
function isPlain(value: unknown, depth: number): boolean {
  if (typeof value !== "object") return typeof value !== "bigint";
  if (value === null) return true;
  if (depth >= PLAIN_DEPTH_MAX) return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isPlain(value[i], depth + 1)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  if ("toJSON" in value) return false;
  for (const key in value) {
    if (!isPlain((value as Record<string, unknown>)[key], depth + 1)) return false;
  }
  return !(Symbol.iterator in value);
}

function plainCopy(value: unknown, path: string, ancestors: object[], what: string): unknown {
  if (typeof value === "bigint") {
    throw unencodable(
      what,
      `a bigint${at(path)}`,
      "Convert it with String(), or with Number() where it is small.",
    );
  }
  if (typeof value !== "object" || value === null) return value;
  if (ancestors.includes(value)) {
    throw unencodable(
      what,
      `a record that contains itself${at(path)}`,
      "Map it to a record without the cycle.",
    );
  }
  ancestors.push(value);
  const copy = copyObject(value, path, ancestors, what);
  ancestors.pop();
  return copy;
}

function copyObject(value: object, path: string, ancestors: object[], what: string): unknown {
  if (typeof (value as { then?: unknown }).then === "function") {
    throw unencodable(what, `a promise${at(path)}`, "Functions of a job must not be async here.");
  }
  // Of Buffer, too, whose own toJSON is no list of numbers.
  if (ArrayBuffer.isView(value) && Symbol.iterator in value)
    return Array.from(value as unknown as Iterable<unknown>, (item, index) =>
      plainCopy(item, `${path}[${index}]`, ancestors, what),
    );
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
    const key = path.slice(path.lastIndexOf(".") + 1);
    return plainCopy((value as { toJSON(key: string): unknown }).toJSON(key), path, ancestors, what);
  }
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return value.valueOf();
  if (Symbol.iterator in value) {
    const items: unknown[] = [];
    for (const item of value as Iterable<unknown>) {
      items.push(plainCopy(item, `${path}[${items.length}]`, ancestors, what));
    }
    return items;
  }
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    const plain = plainCopy(field, path === "" ? key : `${path}.${key}`, ancestors, what);
    // Not an assignment: that would set the prototype where the key is `__proto__`.
    Object.defineProperty(copy, key, { value: plain, enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

const at = (path: string): string => (path === "" ? "" : ` at ${path}`);

export function unencodable(what: string, found: string, advice: string): BicoastalError {
  return new BicoastalError("VALUE_UNENCODABLE", `${what} was given ${found}. ${advice}`);
}
