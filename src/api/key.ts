import type { NotPromise } from "./refuse-async.ts";

/**
 * What can be a key: text, numbers, bigints, booleans, null, undefined, dates, bytes, and arrays and plain
 * objects of these. Keys are equal by value, and ordered so: undefined, null, false, true, numbers (NaN
 * last), bigints, dates, text by UTF-16 code units, bytes, arrays, objects. Anything else fails the task with
 * KEY_INVALID.
 */
export type Key = string | number | bigint | boolean | null | undefined | NotPromise | [];
