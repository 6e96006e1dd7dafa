/** What the generated loops of JSON and CSV share. */
import { LINE_FEED } from "./boundaries.ts";

/** How far a loop may look beyond the line feed that ends a record. */
export const LOOKAHEAD_BYTES = 4;

/** So many digits are a whole number that a double holds exactly. */
export const EXACT_DIGITS_MAX = 15;

/** Exact too, so that one correctly rounded division of such a number by one of these gives the nearest double. */
export const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent);

/** The next record that a loop has not taken, and how many rows there are. */
export interface LoopPosition {
  at: number;
  count: number;
}

/** Index behind the last line feed in [0, end) that a loop can come to without looking beyond the bytes. */
export function loopEnd(bytes: Buffer, end: number): number {
  const last = Math.min(end, bytes.length - LOOKAHEAD_BYTES);
  return last <= 0 ? 0 : bytes.lastIndexOf(LINE_FEED, last - 1) + 1;
}
