/** The few functions generated loops call besides the user's: checks, and errors that name what was given. */
import { wordsOf } from "../kernel/words-of.ts";
import { settled } from "../shuffle/group/group.ts";
import { excerptOf } from "./excerpt.ts";
import { UserMistake } from "./failure.ts";

/** Throws where a function gave a promise. Called for the first record of a batch only, so that it costs nothing. */
function checkSync(result: unknown): void {
  if (!isThenable(result)) return;
  // Its rejection would otherwise end the process as unhandled.
  (result as PromiseLike<unknown>).then(ignore, ignore);
  throw new UserMistake(
    "USER_FUNCTION",
    "returned a promise: functions of this operator must not be async. Return the value itself.",
  );
}

/** An iterator over what a flatMap or mapPartitions function returned. */
export function iterate(result: unknown): Iterator<unknown> {
  checkSync(result);
  if (typeof result === "string") {
    throw new UserMistake(
      "USER_FUNCTION",
      `returned the string ${excerptOf(result)} instead of a list. Return [text] for one record, or [...text] for its characters.`,
    );
  }
  if (result === null || result === undefined) throw notIterable(result);
  const open = (result as Partial<Iterable<unknown>>)[Symbol.iterator];
  if (typeof open !== "function") throw notIterable(result);
  return open.call(result);
}

function notIterable(result: unknown): UserMistake {
  const hint =
    typeof result === "object" && result !== null && Symbol.asyncIterator in result
      ? "It must not be async: return an array or a plain generator."
      : "Return an array or another iterable; [] for no records.";
  return new UserMistake(
    "USER_FUNCTION",
    `returned ${excerptOf(result)}, which is not a list of records. ${hint}`,
  );
}

function throwNotPair(row: unknown): never {
  throw new UserMistake(
    "KEY_INVALID",
    `needs [key, value] pairs, and was given ${excerptOf(row)}. Make pairs before it with keyBy or map.`,
  );
}

/** Null for what is not there, which a declared aggregation leaves out; throws for what it cannot take. */
function noValue(given: unknown, wanted: string): null {
  if (given === null || given === undefined) return null;
  throw new UserMistake(
    "USER_FUNCTION",
    `needs ${wanted}, and was given ${excerptOf(given)}. Convert it before, or declare the field's type where it is read.`,
  );
}

function wordsOfRecord(row: unknown): readonly string[] {
  if (typeof row === "string") return wordsOf(row);
  throw new UserMistake(
    "USER_FUNCTION",
    `needs text, and was given ${excerptOf(row)}. Make text of each record before it, with map.`,
  );
}

function isThenable(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function"
  );
}

function ignore(): void {}

/** By the names that generated code uses. */
export const loopSupport = {
  checkSync,
  iterate,
  settled,
  throwNotPair,
  noValue,
  wordsOfRecord,
  isArray: Array.isArray,
};
