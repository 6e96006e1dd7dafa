/**
 * Params given as defaults: the default's type is the param's type, and nothing but the known names is taken.
 */

import { isPlainObject } from "../base/compare.ts";
import { BicoastalError } from "../base/errors.ts";
import { coerceFlag, type FlagTexts, type ParamFlag, type ParamType } from "./param-flag.ts";
import { checkParamName, checkParamsObject, type ParamsParser, type PlainParams } from "./params-parser.ts";
import { copyPlainParams, freezeDeep, type PlainValue } from "./plain-value.ts";
import { toFlagName } from "./reserved.ts";
import { showValue } from "./show-value.ts";
import { adviseNames } from "./suggest.ts";

/** Throws JOB_INVALID for a name, PARAM_INVALID for a value, that a param cannot have. */
export function parseByDefaults(given: object, job: string): ParamsParser {
  const defaults = freezeDeep(copyPlainParams(given));
  const flags = Object.entries(given).map(([name]) => describe(name, defaults[name] ?? null, job));
  checkFlagsDiffer(flags, job);
  return {
    description: freezeDeep({ flags, open: false }),
    async parse(input, texts) {
      const params = copyPlainParams(withDefaults(checkParamsObject(input, job), defaults, "", job));
      applyFlags(params, flags, texts, job);
      return freezeDeep(params);
    },
  };
}

function describe(name: string, value: PlainValue, job: string): ParamFlag {
  checkParamName(name, job);
  return {
    name,
    flag: toFlagName(name),
    type: typeOf(value),
    required: false,
    default: value,
    description: undefined,
    choices: undefined,
  };
}

function typeOf(value: PlainValue): ParamType {
  if (value === null) return "any";
  if (Array.isArray(value)) return typeOfItems(value as readonly PlainValue[]);
  return typeof value === "object" ? "json" : (typeof value as ParamType);
}

/** An empty list, or one of mixed values, says nothing of its items. */
function typeOfItems(items: readonly PlainValue[]): ParamType {
  const types = new Set(items.map(typeOf));
  if (items.length === 0) return "string[]";
  if (types.size > 1) return "json";
  const [type] = types;
  return type === "string" || type === "number" || type === "boolean" ? `${type}[]` : "json";
}

/** Two params that would be one flag, such as `maxRows` and `max-rows`. */
export function checkFlagsDiffer(flags: readonly ParamFlag[], job: string): void {
  const seen = new Map<string, string>();
  for (const { name, flag } of flags) {
    const other = seen.get(flag);
    if (other !== undefined) {
      throw new BicoastalError(
        "JOB_INVALID",
        `Job ${job}: params ${other} and ${name} would both be the flag --${flag}. Rename one.`,
        { details: { job, param: name } },
      );
    }
    seen.set(flag, name);
  }
}

/** What was given, checked against the defaults, over them; objects within objects in the same way. */
function withDefaults(
  given: Readonly<Record<string, unknown>>,
  defaults: PlainParams,
  place: string,
  job: string,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...defaults };
  for (const [name, value] of Object.entries(given)) {
    const innerPlace = place === "" ? name : `${place}.${name}`;
    if (!Object.hasOwn(defaults, name)) throw unknownParam(innerPlace, name, defaults, job);
    if (value !== undefined) merged[name] = checkLike(value, defaults[name]!, innerPlace, job);
  }
  return merged;
}

function checkLike(value: unknown, like: PlainValue, place: string, job: string): unknown {
  if (like === null) return value;
  if (Array.isArray(like)) return checkItemsLike(value, like as readonly PlainValue[], place, job);
  if (typeof like === "object") {
    if (!isPlainObject(value)) throw wrongType(value, like, place, job);
    return Object.keys(like).length === 0 ? value : withDefaults(value, like as PlainParams, place, job);
  }
  if (typeof value !== typeof like) throw wrongType(value, like, place, job);
  return value;
}

function checkItemsLike(value: unknown, like: readonly PlainValue[], place: string, job: string): unknown {
  if (!Array.isArray(value)) throw wrongType(value, like, place, job);
  const type = typeOfItems(like);
  if (like.length === 0 || type === "json") return value;
  for (const [index, item] of (value as readonly unknown[]).entries()) {
    checkLike(item, like[0]!, `${place}[${index}]`, job);
  }
  return value;
}

function wrongType(value: unknown, like: PlainValue, place: string, job: string): BicoastalError {
  const wanted = Array.isArray(like)
    ? "an array"
    : typeof like === "object"
      ? "an object"
      : `a ${typeof like}`;
  return new BicoastalError(
    "PARAM_INVALID",
    `Param ${place} of job ${job} is ${showValue(value)}; it must be ${wanted}, like its default.`,
    { details: { job, param: place } },
  );
}

function unknownParam(place: string, name: string, known: object, job: string): BicoastalError {
  return new BicoastalError(
    "PARAM_UNKNOWN",
    `Job ${job} has no param ${showValue(place)}. ${adviseNames(name, Object.keys(known), "params")}`,
    { details: { job, param: place } },
  );
}

function applyFlags(
  params: Record<string, PlainValue>,
  flags: readonly ParamFlag[],
  texts: FlagTexts,
  job: string,
): void {
  const known = new Map(flags.map((flag) => [flag.name, flag]));
  for (const [name, values] of texts) {
    const flag = known.get(name);
    if (flag === undefined) throw unknownParam(name, name, Object.fromEntries(known), job);
    const value = coerceFlag(flag, values);
    params[name] = copyPlainParams(withDefaults({ [name]: value }, params, "", job))[name]!;
  }
}
