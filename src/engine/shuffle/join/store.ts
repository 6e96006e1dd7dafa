import type { NestedColumn } from "../block/column.ts";

/** Rows of a column that are wanted of a frame, ascending; undefined: all. */
export type Picked = Uint32Array | undefined;

export interface Store {
  /** What it takes in memory. */
  readonly bytes: number;
  /** The most bytes of text that a row of it takes when it is made. */
  readonly textBytesMax: number;
  /** Takes rows of a column; false, and takes none, where they are not of its kind. */
  add(column: NestedColumn, picked: Picked, rows: number): boolean;
  /** The values of these rows; texts among them are safe to keep. */
  take(rows: Uint32Array): unknown[];
  /** Bytes of text that one row takes when it is made. */
  textBytesOf(row: number): number;
}

/** As `Store`, for columns of every kind. */
export interface AnyStore extends Omit<Store, "add"> {
  /** @param rows Of the column. */
  add(column: NestedColumn, picked: Picked, rows: number): void;
}
