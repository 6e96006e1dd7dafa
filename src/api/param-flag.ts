/**
 * Params as flags of the command line. A flag's text has no type of its own; this says what values it can
 * stand for. Where the type is known (from a default, or from the JSON Schema of a schema) there is one
 * answer. Where it is not, there are several in a fixed order, and the schema is asked which it takes.
 */
import { BicoastalError } from "../base/errors.ts";
import type { PlainValue } from "./plain-value.ts";
import { showValue } from "./show-value.ts";

/** "json": text in JSON (an object, or an array of mixed values). "any": the type is not known beforehand. */
export type ParamType =
  | "string"
  | "number"
  | "boolean"
  | "string[]"
  | "number[]"
  | "boolean[]"
  | "json"
  | "any";

/** One param, as the command line shows and reads it. */
export interface ParamFlag {
  /** The param's own name, such as `maxRows`. */
  readonly name: string;
  /** Its spelling on the command line without the dashes: `max-rows`. */
  readonly flag: string;
  readonly type: ParamType;
  /** Whether a run without it is refused. */
  readonly required: boolean;
  /** Undefined: none, or not known. */
  readonly default: PlainValue | undefined;
  /** From the schema, for `--help`. */
  readonly description: string | undefined;
  /** The only texts allowed, where the schema lists them. */
  readonly choices: readonly string[] | undefined;
}

/** The params of a job, as far as they are known without running it. */
export interface ParamsDescription {
  readonly flags: readonly ParamFlag[];
  /**
   * Whether names other than those of `flags` are taken as well; the schema then says whether they are right.
   */
  readonly open: boolean;
}

/**
 * Flags as they were given: the param's name (not the flag's) to its texts in order; a bare `--dry` gives
 * "true", `--no-dry` "false".
 */
export type FlagTexts = ReadonlyMap<string, readonly string[]>;

/**
 * The value of a flag of known type. Throws PARAM_INVALID, naming flag and text, where the text is not of that
 * type, or where a flag that takes one value was given several. For "any" it is the first of `candidateValues`.
 */
export function coerceFlag(flag: ParamFlag, texts: readonly string[]): PlainValue {
  if (flag.type === "any") return candidateValues(texts)[0]!;
  if (flag.type.endsWith("[]")) {
    return texts.map((text) => readText(flag, flag.type.slice(0, -2) as ParamType, text));
  }
  const [text, ...others] = texts;
  if (text === undefined || others.length > 0) {
    throw new BicoastalError(
      "PARAM_INVALID",
      `--${flag.flag} was given ${texts.length} times, and takes one value.`,
      { details: { param: flag.name } },
    );
  }
  return readText(flag, flag.type, text);
}

function readText(flag: ParamFlag, type: ParamType, text: string): PlainValue {
  const value = type === "string" ? text : readAs(type, text);
  if (value !== undefined && (flag.choices === undefined || flag.choices.includes(String(value))))
    return value;
  const expected =
    flag.choices !== undefined
      ? `one of ${flag.choices.join(", ")}`
      : type === "number" && isTooLarge(text)
        ? "from -(2^53-1) to 2^53-1, as greater whole numbers would be rounded"
        : EXPECTED[type];
  throw new BicoastalError("PARAM_INVALID", `--${flag.flag} is ${showValue(text)}; it must be ${expected}.`, {
    details: { param: flag.name },
  });
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a finite number, such as 20, -1.5 or 1e6",
  boolean: "true or false",
  json: "JSON",
};

function readAs(type: ParamType, text: string): PlainValue | undefined {
  switch (type) {
    case "number":
      return readNumber(text);
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    default:
      return readJson(text);
  }
}

/**
 * A decimal number as people write it, with nothing around it; what is not finite, or a whole number that
 * would be rounded, is none.
 */
export function readNumber(text: string): number | undefined {
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  return !Number.isFinite(value) || isTooLarge(text) ? undefined : value + 0;
}

/** Whether it is a whole number that would be rounded. */
const isTooLarge = (text: string): boolean => /^[+-]?\d+$/.test(text) && !Number.isSafeInteger(Number(text));

function readJson(text: string): PlainValue | undefined {
  try {
    return JSON.parse(text) as PlainValue;
  } catch {
    return undefined;
  }
}

/**
 * What texts of a flag of unknown type can stand for, most likely first, the text itself always among them.
 * One text: a number, true, false or null; JSON where it begins like an array, an object or a quoted text; the
 * text; a list of one. Several texts: a list of what each stands for; the list of texts.
 */
export function candidateValues(texts: readonly string[]): readonly PlainValue[] {
  const typed = texts.map(mostLikely);
  const isText = typed.every((value, index) => value === texts[index]);
  const lists: readonly PlainValue[] = isText ? [typed] : [typed, [...texts]];
  if (texts.length !== 1) return lists;
  return isText ? [texts[0]!, ...lists] : [typed[0]!, texts[0]!, ...lists];
}

function mostLikely(text: string): PlainValue {
  if (text === "null") return null;
  const value = readNumber(text) ?? readAs("boolean", text);
  if (value !== undefined) return value;
  return (/^\s*["[{]/.test(text) ? readJson(text) : undefined) ?? text;
}
