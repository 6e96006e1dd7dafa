/** Values of our own options as people write them. All throw USAGE that names the option, the text and the way to write it. */
import { showValue } from "../../api/show-value.ts";
import { BicoastalError } from "../../base/errors.ts";
import { parseBytes } from "../../base/quantity.ts";

/** More threads than any machine has cores is a slip. */
export const THREADS_MAX = 1024;
export const ATTEMPTS_MAX = 100;
/** The longest delay a timer takes. */
export const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export interface WholeNumberRange {
  readonly min: number;
  readonly max: number;
}

/** A whole number in decimal digits. */
export function readWholeNumber(option: string, text: string, { min, max }: WholeNumberRange): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(option, text, `a whole number from ${min} to ${max}`);
}

/** `2GB`, `512 MiB`, `1.5g`, or bytes. How much a run needs at least is not known here. */
export function readBytes(option: string, text: string): number {
  const bytes = parseBytes(text);
  if (bytes !== undefined) return bytes;
  throw invalid(option, text, "a size such as 2GB or 512MiB");
}

const DURATION_FACTORS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** `30s`, `500ms`, `5min`, `1.5h`. The unit is needed: nobody can guess what 30 means. */
export function readDurationMs(option: string, text: string, { minMs = 1 } = {}): number {
  const match = /^(\d{1,16}(?:\.\d{1,9})?) ?(ms|s|m|min|h)$/i.exec(text);
  const factor = match === null ? undefined : DURATION_FACTORS[(match[2] ?? "").toLowerCase()];
  const ms = match === null || factor === undefined ? Number.NaN : Math.round(Number(match[1]) * factor);
  if (ms >= minMs && ms <= TIMEOUT_MS_MAX) return ms;
  throw invalid(option, text, `a time from ${minMs}ms to 596h with its unit, such as 500ms, 30s, 5min or 1h`);
}

const invalid = (option: string, text: string, expected: string): BicoastalError =>
  new BicoastalError("USAGE", `--${option} is ${showValue(text)}; it must be ${expected}.`, {
    details: { option, expected },
  });
