import { RecordFault } from "./record-fault.ts";
import type { Piece } from "./record-feed.ts";
import { textOf } from "./record-input.ts";
import type { RecordParser } from "./record-parser.ts";

/**
 * Deepest nesting of arrays and objects in a record. Parsing has no limit, but whatever walks the value afterwards
 * (an encoder, `JSON.stringify`, the user's own recursion) runs out of stack some thousands further down.
 */
export const JSON_DEPTH_MAX = 1000;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Each line is a JSON value; lines without any are skipped. */
export class JsonlParser implements RecordParser {
  readonly rule = { quote: undefined, skips: "blank" } as const;
  readonly headRecords = 0;

  parse(piece: Piece, rows: unknown[]): number {
    const text = textOf(piece);
    let count = 0;
    for (let at = 0; at < text.length; ) {
      const found = text.indexOf("\n", at);
      const end = found === -1 ? text.length : found;
      if (text.charCodeAt(at) > SPACE || !isBlank(text, at, end)) {
        rows[count] = parseJsonLine(text.slice(at, end), count);
        count += 1;
      }
      at = end + 1;
    }
    return count;
  }
}

/** Throws RecordFault. */
export function parseJsonLine(line: string, record: number): unknown {
  if (isTooDeep(line)) {
    throw new RecordFault({
      code: "RECORD_INVALID",
      record,
      what: `the JSON value is nested more than ${JSON_DEPTH_MAX} levels deep`,
      advice: "Flatten it, or read the file with read.lines and take out what you need.",
    });
  }
  try {
    return JSON.parse(line);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecordFault({
      code: "RECORD_INVALID",
      record,
      what: `the line is not one JSON value (${reason})`,
      advice: "Mend the line, or read the file with read.lines and parse it yourself.",
      cause,
    });
  }
}

export function isBlank(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== SPACE && unit !== 0x09 && unit !== 0x0d) return false;
  }
  return true;
}

export function isTooDeep(line: string): boolean {
  // Nesting takes two characters a level, so most lines need no look.
  if (line.length <= 2 * JSON_DEPTH_MAX) return false;
  // `[` and `{` differ in one bit. Counting both, in strings too, settles nearly every line in one cheap pass.
  let openers = 0;
  for (let at = 0; at < line.length; at++) {
    if ((line.charCodeAt(at) | 0x20) === 0x7b) openers += 1;
  }
  return openers > JSON_DEPTH_MAX && depthOf(line) > JSON_DEPTH_MAX;
}

function depthOf(line: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < line.length; at++) {
    const unit = line.charCodeAt(at);
    if (isInString) {
      if (unit === BACKSLASH) at += 1;
      else if (unit === QUOTE) isInString = false;
    } else if (unit === QUOTE) {
      isInString = true;
    } else if ((unit | 0x20) === 0x7b) {
      depth += 1;
      deepest = Math.max(deepest, depth);
    } else if ((unit | 0x20) === 0x7d) {
      depth -= 1;
    }
  }
  return deepest;
}
