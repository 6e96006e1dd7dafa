import type { NestedColumn } from "../block/column.ts";
import { putTogether, shapeOf, zip } from "../block/record-shape.ts";
import type { AnyStore, Picked, Store } from "./store.ts";

/** Records of one shape, or arrays of one length: a column for each field or element. */
export class RecordStore implements Store {
  /** Undefined for arrays. */
  readonly #names: readonly string[] | undefined;
  readonly #columns: readonly AnyStore[];

  constructor(names: readonly string[] | undefined, columns: readonly AnyStore[]) {
    this.#names = names;
    this.#columns = columns;
  }

  get bytes(): number {
    return this.#columns.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get textBytesMax(): number {
    return this.#columns.reduce((sum, { textBytesMax }) => sum + textBytesMax, 0);
  }

  add(column: NestedColumn, picked: Picked, rows: number): boolean {
    if (column.kind !== "record" || column.columns.length !== this.#columns.length) return false;
    const { names } = column;
    if ((names === undefined) !== (this.#names === undefined)) return false;
    if (names?.some((name, field) => name !== this.#names?.[field])) return false;
    for (const [field, store] of this.#columns.entries())
      store.add(column.columns[field] as NestedColumn, picked, rows);
    return true;
  }

  take(rows: Uint32Array): unknown[] {
    const columns = this.#columns.map((column) => column.take(rows));
    return this.#names === undefined
      ? zip(columns, rows.length)
      : putTogether(columns, rows.length, shapeOf(this.#names));
  }

  textBytesOf(row: number): number {
    return this.#columns.reduce((sum, column) => sum + column.textBytesOf(row), 0);
  }
}
