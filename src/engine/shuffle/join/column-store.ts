/**
 * The values of one side of a join, in columns until a row is asked for: numbers as numbers, texts as bytes, texts that
 * repeat as codes, records and arrays as a column a field. That is a fraction of what the rows would take as objects,
 * and to make a row when it is needed costs less than to go and look where it lies.
 *
 * A column begins as what the first frame has, and changes when a later frame has something else: codes to texts,
 * whole numbers to numbers, anything to values. So what is given back is equal to what was put in, whatever comes.
 */
import { unreachable } from "../../../base/assert.ts";
import type { NestedColumn } from "../block/column.ts";
import { CodeStore } from "./code-store.ts";
import { NumberStore } from "./number-store.ts";
import { RecordStore } from "./record-store.ts";
import type { AnyStore, Picked, Store } from "./store.ts";
import { TextStore } from "./text-store.ts";
import { ValueStore } from "./value-store.ts";

export class ColumnStore implements AnyStore {
  rows = 0;
  #store: Store | undefined;

  get bytes(): number {
    return this.#store?.bytes ?? 0;
  }

  get textBytesMax(): number {
    return this.#store?.textBytesMax ?? 0;
  }

  add(column: NestedColumn, picked: Picked, rows: number): void {
    this.#store ??= storeFor(column);
    while (!this.#store.add(column, picked, rows)) this.#store = this.#widened(this.#store);
    this.rows += picked?.length ?? rows;
  }

  take(rows: Uint32Array): unknown[] {
    return this.#store?.take(rows) ?? [];
  }

  textBytesOf(row: number): number {
    return this.#store?.textBytesOf(row) ?? 0;
  }

  /** The same rows in a store that takes more. */
  #widened(store: Store): Store {
    if (store instanceof CodeStore) {
      const texts = store.asTexts();
      if (texts !== undefined) return texts;
    }
    return new ValueStore(store.take(Uint32Array.from({ length: this.rows }, (_, row) => row)));
  }
}

function storeFor(column: NestedColumn): Store {
  switch (column.kind) {
    case "numbers":
      return new NumberStore();
    case "text":
      return new TextStore();
    case "dictionary":
      return new CodeStore();
    case "record":
      return new RecordStore(
        column.names,
        column.columns.map(() => new ColumnStore()),
      );
    case "values":
      return new ValueStore([]);
    default:
      return unreachable(column);
  }
}
