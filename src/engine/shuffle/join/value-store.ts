import type { NestedColumn } from "../block/column.ts";
import { columnValues } from "../block/column-decode.ts";
import { estimateColumnBytes } from "./frame-size.ts";
import type { Picked, Store } from "./store.ts";

const SLOT_BYTES = 8;

/** Any values, as they are. */
export class ValueStore implements Store {
  bytes: number;
  /** They are there already. */
  readonly textBytesMax = 0;
  readonly #values: unknown[];

  /** @param values Becomes its own; they are safe to keep. */
  constructor(values: unknown[]) {
    this.#values = values;
    this.bytes = estimateColumnBytes(values) + values.length * SLOT_BYTES;
  }

  add(column: NestedColumn, picked: Picked, rows: number): boolean {
    const values = columnValues(column, rows);
    const bytes = estimateColumnBytes(values) + rows * SLOT_BYTES;
    if (picked === undefined) for (let i = 0; i < rows; i++) this.#values.push(values[i]);
    else for (let i = 0; i < picked.length; i++) this.#values.push(values[picked[i] as number]);
    this.bytes += Math.ceil((bytes * (picked?.length ?? rows)) / rows);
    return true;
  }

  take(rows: Uint32Array): unknown[] {
    const values: unknown[] = new Array(rows.length);
    for (let i = 0; i < rows.length; i++) values[i] = this.#values[rows[i] as number];
    return values;
  }

  textBytesOf(): number {
    return 0;
  }
}
