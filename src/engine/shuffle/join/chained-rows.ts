import type { KeyIndex } from "../aggregate/key-index.ts";
import { sortedEntries } from "../aggregate/sorted-entries.ts";
import type { Cursor } from "../runs/cursor.ts";
import { END, type RowChains } from "./row-chains.ts";

/** What a row costs besides key and value: its places in index and chain. */
export const ROW_BYTES = 48;

/** All rows by key, then by arrival: each key has some. Nothing may be added while they are read. */
export function sortedRows(index: KeyIndex, rows: RowChains): Cursor {
  const entries = sortedEntries(index);
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
