/**
 * Several ranges of several blobs, as a header names them. Asked for: `KEY=FIRST-LAST` or `KEY=-BYTES`, parted by commas. Given:
 * for each of them, in the same order, `FIRST-LAST/SIZE`, or `-` where it is to be asked for by itself, which tells why. The
 * bytes of those that were given follow each other in the body.
 */
import type { ByteRange } from "../../ports/blob-store.ts";
import { parseContentRange } from "./byte-ranges.ts";
import { RANGES_MAX, RANGES_TEXT_MAX } from "./server-limits.ts";

export interface AskedRange {
  readonly key: string;
  /** As `Range` has it: `bytes=…`. */
  readonly range: string;
}

export interface GivenRange {
  readonly range: ByteRange;
  /** Of the whole blob. */
  readonly size: number;
}

const UNIT = "bytes=";
const NOT_GIVEN = "-";

export const askedText = ({ key, range }: AskedRange): string => `${key}=${range.slice(UNIT.length)}`;

/** Undefined for what nobody asks who goes by the limits. */
export function parseAsked(text: string): readonly AskedRange[] | undefined {
  const names = text.split(",");
  if (text.length > RANGES_TEXT_MAX || names.length > RANGES_MAX) return undefined;
  const asked: AskedRange[] = [];
  for (const name of names) {
    const [key = "", range, ...more] = name.split("=");
    if (range === undefined || more.length > 0) return undefined;
    asked.push({ key, range: `${UNIT}${range}` });
  }
  return asked;
}

export const givenText = (given: GivenRange | undefined): string =>
  given === undefined
    ? NOT_GIVEN
    : `${given.range.offset}-${given.range.offset + given.range.bytes - 1}/${given.size}`;

/** Undefined for anything else than an answer to as many. */
export function parseGiven(text: unknown, count: number): readonly (GivenRange | undefined)[] | undefined {
  const names = String(text).split(",");
  if (names.length !== count) return undefined;
  const given = names.map((name) => (name === NOT_GIVEN ? undefined : parseContentRange(`bytes ${name}`)));
  return given.every((it, index) => it !== undefined || names[index] === NOT_GIVEN) ? given : undefined;
}
