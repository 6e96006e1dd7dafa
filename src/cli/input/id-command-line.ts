/** The command lines of commands that name a job, or nothing. */
import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import { type GivenOptions, type OwnOption, onceEach } from "./options.ts";
import { readTokens } from "./tokens.ts";

export interface IdCommandLine {
  /** The one operand; undefined where there is none. */
  readonly id: string | undefined;
  readonly options: GivenOptions;
}

/** Throws USAGE, also for a second operand. */
export function readIdCommandLine(tokens: readonly string[], own: readonly OwnOption[]): IdCommandLine {
  const { flags, operands } = readTokens(tokens, { flags: own, open: false });
  const [id, extra] = operands;
  if (extra !== undefined) {
    throw new BicoastalError("USAGE", `${showValue(extra)} is one operand too many. See --help.`);
  }
  return { id, options: onceEach(flags) };
}

/** As `readIdCommandLine`, for commands without an operand. */
export function readOptionsOnly(tokens: readonly string[], own: readonly OwnOption[]): GivenOptions {
  const { id, options } = readIdCommandLine(tokens, own);
  if (id === undefined) return options;
  throw new BicoastalError("USAGE", `${showValue(id)} belongs to no option. See --help.`);
}
