import type { Cursor } from "../runs/cursor.ts";
import type { MatchIndex } from "./match-index.ts";
import { END, type RowChains } from "./row-chains.ts";

/** What a row costs besides key and value: its places in index and chain. */
export const ROW_BYTES = 48;

/** The keys that have rows here, in key order. */
export function entriesOf(index: MatchIndex, has: (entry: number) => boolean): Uint32Array {
  const entries = new Uint32Array(index.size);
  let count = 0;
  for (let entry = 0; entry < entries.length; entry++) if (has(entry)) entries[count++] = entry;
  return index.sort(entries.subarray(0, count));
}

/** All rows by key, then by arrival. Nothing may be added while they are read. */
export function sortedRows(index: MatchIndex, rows: RowChains): Cursor {
  const entries = entriesOf(index, (entry) => rows.first(entry) !== END);
  let next = 0;
  let row = END;
  const cursor = {
    key: undefined as unknown,
    value: undefined as unknown,
    next: (): boolean => {
      if (row === END) {
        const entry = entries[next++];
        if (entry === undefined) return false;
        row = rows.first(entry);
        cursor.key = index.keyOf(entry);
      }
      cursor.value = rows.values[row];
      row = rows.next(row);
      return true;
    },
  };
  return cursor;
}
