/** Finds columns in which few texts come again and again: codes, regions, days. */
import { CODES_MAX } from "./column-layout.ts";

/** Rows looked at before all of them are. */
const SAMPLE_ROWS = 64;
/** A dictionary pays where on average an entry stands for as many rows. */
const ROWS_PER_ENTRY_MIN = 4;

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
  const entriesMax = Math.min(CODES_MAX, Math.floor(rows / ROWS_PER_ENTRY_MIN));
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

/**
 * Whether rows here and there are so often the same that it is worth while to look at all.
 * @param textAt Is called with ascending rows.
 */
export function isRepetitive(rows: number, textAt: (row: number) => string): boolean {
  const sample = Math.min(rows, SAMPLE_ROWS);
  if (sample < ROWS_PER_ENTRY_MIN) return false;
  const seenMax = Math.floor(sample / ROWS_PER_ENTRY_MIN);
  const seen = new Set<string>();
  for (let i = 0; i < sample; i++) {
    seen.add(textAt(Math.floor((i * rows) / sample)));
    if (seen.size > seenMax) return false;
  }
  return true;
}
