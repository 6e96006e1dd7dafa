/** Finds columns in which few texts come again and again: codes, regions, days. */
import { hashUnit, TEXT_SEED } from "../../../base/hash.ts";
import type { TextBytes } from "./column.ts";
import { CODES_MAX } from "./column-layout.ts";

/** Rows looked at before all of them are. */
const SAMPLE_ROWS = 64;
/**
 * The part of them that may differ. Of a hundred texts that are as frequent, such a sample meets some 47, of as many as
 * a dictionary holds 57: those that pass are nearly always few enough.
 */
const SAMPLE_DIFFERENT_PART = 0.75;
/** A dictionary pays where on average an entry stands for as many rows. */
const ROWS_PER_ENTRY_MIN = 4;
/** A quarter of them are taken at most. */
const SLOTS = CODES_MAX * 4;

export interface Dictionary {
  /** In the order in which they are first met. */
  readonly entries: readonly string[];
  /** For each row. */
  readonly codes: Uint8Array;
}

/** Undefined where there are too many different texts. */
export function findDictionary(values: readonly string[]): Dictionary | undefined {
  const rows = values.length;
  if (!isRepetitive(rows, (row) => values[row] as string)) return undefined;
  const entriesMax = entriesMaxOf(rows);
  const known = new Map<string, number>();
  const codes = new Uint8Array(rows);
  for (let row = 0; row < rows; row++) {
    const value = values[row] as string;
    let code = known.get(value);
    if (code === undefined) {
      code = known.size;
      if (code === entriesMax) return undefined;
      known.set(value, code);
    }
    codes[row] = code;
  }
  return { entries: [...known.keys()], codes };
}

/** The same of texts in ASCII, as bytes: strings are made of the entries alone. */
export function findTextDictionary(source: TextBytes): Dictionary | undefined {
  const { bytes, lengths } = source;
  const rows = lengths.length;
  if (!isRepetitive(rows, sampleOf(source))) return undefined;
  const entriesMax = entriesMaxOf(rows);
  const starts: number[] = [];
  const ends: number[] = [];
  /** The entry + 1. */
  const slots = new Uint16Array(SLOTS);
  const codes = new Uint8Array(rows);
  let start = 0;
  for (let row = 0; row < rows; row++) {
    const end = start + (lengths[row] as number);
    let hash = TEXT_SEED;
    for (let at = start; at < end; at++) hash = hashUnit(hash, bytes[at] as number);
    let slot = (hash ^ (hash >>> 16)) & (SLOTS - 1);
    let code = (slots[slot] as number) - 1;
    while (code >= 0 && !isSame(bytes, starts[code] as number, ends[code] as number, start, end)) {
      slot = (slot + 1) & (SLOTS - 1);
      code = (slots[slot] as number) - 1;
    }
    if (code < 0) {
      code = starts.length;
      if (code === entriesMax) return undefined;
      starts.push(start);
      ends.push(end);
      slots[slot] = code + 1;
    }
    codes[row] = code;
    start = end;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return { entries: starts.map((at, entry) => text.toString("latin1", at, ends[entry])), codes };
}

const entriesMaxOf = (rows: number): number => Math.min(CODES_MAX, Math.floor(rows / ROWS_PER_ENTRY_MIN));

function isSame(
  bytes: Uint8Array,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
): boolean {
  if (end - start !== otherEnd - otherStart) return false;
  for (let at = start, other = otherStart; at < end; at++, other++)
    if (bytes[at] !== bytes[other]) return false;
  return true;
}

/** The text of a row, for rows in ascending order. */
function sampleOf({ bytes, lengths }: TextBytes): (row: number) => string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let next = 0;
  let at = 0;
  return (row) => {
    while (next < row) at += lengths[next++] as number;
    return text.toString("latin1", at, at + (lengths[row] as number));
  };
}

/**
 * Whether rows here and there are so often the same that it is worth while to look at all.
 * @param textAt Is called with ascending rows.
 */
function isRepetitive(rows: number, textAt: (row: number) => string): boolean {
  const sample = Math.min(rows, SAMPLE_ROWS);
  if (sample < ROWS_PER_ENTRY_MIN) return false;
  const seenMax = Math.floor(sample * SAMPLE_DIFFERENT_PART);
  const seen = new Set<string>();
  for (let i = 0; i < sample; i++) {
    seen.add(textAt(Math.floor((i * rows) / sample)));
    if (seen.size > seenMax) return false;
  }
  return true;
}
