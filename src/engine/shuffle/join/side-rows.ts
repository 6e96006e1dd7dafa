/** The rows of one side of a join, each with the number of its key. */
import type { NestedColumn } from "../block/column.ts";
import { ColumnStore } from "./column-store.ts";
import { roomFor } from "./room.ts";
import type { Picked } from "./store.ts";

/** Rows, ordered by their keys: those of the key at place `i` are `rows[starts[i]]` up to `rows[starts[i + 1]]`. */
export interface RowsByKey {
  readonly rows: Uint32Array;
  readonly starts: Uint32Array;
}

/** What the order of rows takes when they are read. */
const ORDER_BYTES = 8;

export class SideRows {
  readonly values = new ColumnStore();
  #entries = new Int32Array(0);
  #rows = 0;

  get bytes(): number {
    return this.values.bytes + this.#entries.byteLength + this.#rows * ORDER_BYTES;
  }

  /** @param entries Of the picked rows; `rows`: of the column. */
  add(column: NestedColumn, entries: Int32Array, picked: Picked, rows: number): void {
    this.values.add(column, picked, rows);
    const end = this.#rows + entries.length;
    this.#entries = roomFor(this.#entries, end);
    this.#entries.set(entries, this.#rows);
    this.#rows = end;
  }

  /**
   * The rows of these entries, those of one in the order in which they came.
   * @param placeOf For each entry its place among them, or -1.
   */
  byKey(placeOf: Int32Array, places: number): RowsByKey {
    const entries = this.#entries;
    const starts = new Uint32Array(places + 1);
    // One further along: each place then counts up to where the next begins.
    const next = new Uint32Array(places + 2);
    for (let row = 0; row < this.#rows; row++) {
      const place = placeOf[entries[row] as number] as number;
      if (place >= 0) next[place + 2] = (next[place + 2] as number) + 1;
    }
    for (let place = 2; place < next.length; place++)
      next[place] = (next[place] as number) + (next[place - 1] as number);
    const rows = new Uint32Array(next[places + 1] as number);
    for (let row = 0; row < this.#rows; row++) {
      const place = placeOf[entries[row] as number] as number;
      if (place < 0) continue;
      const at = next[place + 1] as number;
      rows[at] = row;
      next[place + 1] = at + 1;
    }
    for (let place = 0; place < places; place++) starts[place + 1] = next[place + 1] as number;
    return { rows, starts };
  }
}
