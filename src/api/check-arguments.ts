/**
 * The checks of what users pass to `read` and to operators. Each throws JOB_INVALID, naming operator,
 * argument and value.
 */

import { isPlainObject } from "../base/compare.ts";
import { BicoastalError } from "../base/errors.ts";
import type { UserFunction } from "../plan/node.ts";
import { showValue } from "./show-value.ts";
import { adviseNames } from "./suggest.ts";

/** More partitions than this cost more to keep track of than they can bring. */
export const PARTITIONS_MAX = 100_000;

export const invalidArgument = (
  operator: string,
  argument: string,
  value: unknown,
  must: string,
): BicoastalError =>
  new BicoastalError("JOB_INVALID", `${operator}: ${argument} is ${showValue(value)}; it must be ${must}.`, {
    details: { operator, argument },
  });

/** A task's loop does not wait: an async function would put promises where records belong. */
export function checkFunction(operator: string, argument: string, value: unknown): UserFunction {
  if (typeof value !== "function") throw invalidArgument(operator, argument, value, "a function");
  if (Object.prototype.toString.call(value).startsWith("[object Async")) {
    throw invalidArgument(operator, argument, value, "a synchronous function, not an async one");
  }
  return value as UserFunction;
}

/** A whole number in [min, max]. */
export function checkWhole(
  operator: string,
  argument: string,
  value: unknown,
  [min, max]: readonly [number, number],
): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) {
    return value + 0;
  }
  throw invalidArgument(operator, argument, value, `a whole number from ${min} to ${max}`);
}

export function checkBoolean(operator: string, argument: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw invalidArgument(operator, argument, value, "true or false");
  return value;
}

export function checkText(operator: string, argument: string, value: unknown): string {
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
  throw invalidArgument(operator, argument, value, "a text that is not empty, without NUL characters");
}

/** One of the words listed. */
export function checkOneOf<const Word extends string>(
  operator: string,
  argument: string,
  value: unknown,
  words: readonly Word[],
): Word {
  const word = words.find((known) => known === value);
  if (word === undefined) throw invalidArgument(operator, argument, value, `one of ${words.join(", ")}`);
  return word;
}

/** Texts that are not empty and all different. */
export function checkNames(operator: string, argument: string, value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidArgument(operator, argument, value, "an array of at least one name");
  }
  const seen = new Set<string>();
  for (const [index, name] of (value as readonly unknown[]).entries()) {
    if (typeof name !== "string" || name === "") {
      throw invalidArgument(operator, `${argument}[${index}]`, name, "a text that is not empty");
    }
    if (seen.has(name))
      throw invalidArgument(operator, `${argument}[${index}]`, name, "another; it is there twice");
    seen.add(name);
  }
  return Object.freeze([...seen]);
}

/**
 * An options object with no names but these; undefined means none. Fields that are undefined count as not
 * given.
 */
export function checkOptions<const Name extends string>(
  operator: string,
  options: unknown,
  names: readonly Name[],
): { readonly [N in Name]?: unknown } {
  if (options === undefined) return {};
  if (!isPlainObject(options)) throw invalidArgument(operator, "the options argument", options, "an object");
  for (const name of Object.keys(options)) {
    if ((names as readonly string[]).includes(name)) continue;
    throw new BicoastalError(
      "JOB_INVALID",
      `${operator}: no option ${showValue(name)}. ${adviseNames(name, names, "options")}`,
      { details: { operator, argument: name } },
    );
  }
  return options as { readonly [N in Name]?: unknown };
}

/** A `partitions` option; undefined leaves the choice to the planner. */
export const checkPartitions = (operator: string, value: unknown): number | undefined =>
  value === undefined ? undefined : checkWhole(operator, "partitions", value, [1, PARTITIONS_MAX]);
