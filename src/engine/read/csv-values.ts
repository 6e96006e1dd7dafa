/** How the text of a CSV field becomes a value of its declared type. Empty, quoted or not, is null. */

/** Decimal, with an optional exponent; not what `Number` takes besides: blanks, hexadecimal, "Infinity". */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** Whole numbers of so many digits are exact however they are put together. */
const EXACT_DIGITS_MAX = 15;

/** NaN where the text is not a finite number. */
export function numberOf(text: string): number | null {
  const length = text.length;
  if (length === 0) return null;
  if (length > EXACT_DIGITS_MAX) return generalNumber(text);
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return generalNumber(text);
    value = value * 10 + digit;
  }
  return value;
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
