import { isPlainObject } from "../base/compare.ts";
import { BicoastalError } from "../base/errors.ts";
import type { FlagTexts, ParamsDescription } from "./param-flag.ts";
import type { PlainValue } from "./plain-value.ts";
import { isReservedParamName, toFlagName } from "./reserved.ts";
import { showValue } from "./show-value.ts";

/** Params that were checked: plain data, frozen all the way down. */
export type PlainParams = Readonly<Record<string, PlainValue>>;

/** How a job makes its params of what it is given. */
export interface ParamsParser {
  readonly description: ParamsDescription;
  /** Throws PARAM_INVALID and PARAM_UNKNOWN. Flags win over `input`. */
  parse(input: unknown, flags: FlagTexts): Promise<PlainParams>;
}

const PARAM_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** Throws JOB_INVALID for a param's name that cannot be a flag, or is one of our own. */
export function checkParamName(name: string, job: string): void {
  const fail = (why: string): never => {
    throw new BicoastalError("JOB_INVALID", `Job ${job}: param ${showValue(name)} ${why}`, {
      details: { job, param: name },
    });
  };
  if (!PARAM_NAME.test(name)) {
    fail("needs another name: a letter, then up to 63 letters, digits, - or _, so that it can be a flag.");
  }
  const flag = toFlagName(name);
  if (flag.startsWith("no-")) {
    fail(`needs another name: --${flag} would turn off the flag --${flag.slice("no-".length)}.`);
  }
  if (isReservedParamName(name)) {
    fail(`needs another name: --${flag} is an option of Bicoastal's own, or kept for one.`);
  }
}

/** Undefined means no params at all. Throws PARAM_INVALID for what is no object of names and values. */
export function checkParamsObject(input: unknown, job: string): Readonly<Record<string, unknown>> {
  if (input === undefined) return {};
  if (isPlainObject(input)) return input;
  throw new BicoastalError(
    "PARAM_INVALID",
    `The params of job ${job} are ${showValue(input)}; they must be an object, such as { "input": "data/*.txt" }.`,
    { details: { job } },
  );
}
