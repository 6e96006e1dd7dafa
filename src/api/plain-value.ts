import { isPlainObject } from "../base/compare.ts";
import { BicoastalError } from "../base/errors.ts";
import { showValue } from "./show-value.ts";

/** What a param may be: JSON's values. They are stored with the job, so that it can be resumed anywhere. */
export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainObject;
export interface PlainObject {
  readonly [name: string]: PlainValue;
}

const NESTING_MAX = 64;

/**
 * A copy of params that shares nothing with them and survives JSON unchanged: -0 becomes 0, fields that are
 * undefined are left out. Throws PARAM_INVALID that names the place of anything else that JSON does not have.
 */
export function copyPlainParams(params: unknown): Record<string, PlainValue> {
  if (!isPlainObject(params)) {
    throw new BicoastalError(
      "PARAM_INVALID",
      `The params are ${showValue(params)}; they must be an object of names and values.`,
    );
  }
  return copyObject(params, "", 0);
}

function copyValue(value: unknown, place: string, depth: number): PlainValue {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value + 0;
  if (depth >= NESTING_MAX) {
    throw invalid(place, `is nested more than ${NESTING_MAX} deep, or refers to itself`, value);
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item: unknown, index) => copyValue(item, `${place}[${index}]`, depth + 1));
  }
  if (isPlainObject(value)) return copyObject(value, place, depth + 1);
  throw invalid(place, `is ${showValue(value)}`, value);
}

function copyObject(value: object, place: string, depth: number): Record<string, PlainValue> {
  const copy: Record<string, PlainValue> = {};
  for (const [name, inner] of Object.entries(value)) {
    const innerPlace = place === "" ? name : `${place}.${name}`;
    if (name === "__proto__") throw invalid(innerPlace, "has a name that is not allowed", inner);
    if (inner !== undefined) copy[name] = copyValue(inner, innerPlace, depth);
  }
  return copy;
}

function invalid(place: string, what: string, value: unknown): BicoastalError {
  const hint =
    value instanceof Date
      ? " Keep it as text, and make the date in `run`."
      : typeof value === "bigint"
        ? " Keep it as text, and make the bigint in `run`."
        : "";
  return new BicoastalError(
    "PARAM_INVALID",
    `Param ${place} ${what}. Params are stored with the job, so they may only be text, finite numbers, true, false, null, and arrays and plain objects of these.${hint}`,
    { details: { param: place } },
  );
}

/** Freezes plain data all the way down, and returns it. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) freezeDeep(inner);
    Object.freeze(value);
  }
  return value;
}
