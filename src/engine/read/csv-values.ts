/** How the text of a CSV field becomes a value of its declared type. Empty, quoted or not, is null. */
import { EXACT_DIGITS_MAX, POWERS_OF_TEN } from "./fast-loop.ts";
import { isTooDeep } from "./jsonl.ts";

/** Decimal, with an optional exponent; not what `Number` takes besides: blanks, hexadecimal, "Infinity". */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;

/**
 * The number in [at, end) of the text; null for no text, NaN where it is not a finite number. Short decimals, which
 * is nearly all, are put together here, without a slice.
 */
export function numberOf(text: string, at: number, end: number): number | null {
  if (at === end) return null;
  const isNegative = text.charCodeAt(at) === MINUS;
  const first = isNegative ? at + 1 : at;
  let value = 0;
  let point = -1;
  for (let index = first; index < end; index++) {
    const unit = text.charCodeAt(index);
    const digit = unit - ZERO;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (unit === POINT && point === -1) point = index;
    else return generalNumber(text.slice(at, end));
  }
  const digits = end - first - (point === -1 ? 0 : 1);
  if (digits === 0 || digits > EXACT_DIGITS_MAX) return generalNumber(text.slice(at, end));
  if (point !== -1) value /= POWERS_OF_TEN[end - point - 1] as number;
  return isNegative ? -value : value;
}

function generalNumber(text: string): number {
  if (!NUMBER.test(text)) return Number.NaN;
  const value = Number(text);
  return Number.isFinite(value) ? value : Number.NaN;
}

/** `true` and `false` in any case, 1 and 0; undefined for anything else. */
export function booleanOf(text: string): boolean | null | undefined {
  switch (text) {
    case "":
      return null;
    case "true":
    case "1":
      return true;
    case "false":
    case "0":
      return false;
    default: {
      const lower = text.toLowerCase();
      return lower === "true" ? true : lower === "false" ? false : undefined;
    }
  }
}

/** Undefined where the text is no JSON, or nested too deep. */
export function jsonOf(text: string): unknown {
  if (text === "") return null;
  try {
    return isTooDeep(text) ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
