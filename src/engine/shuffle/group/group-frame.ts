/** A frame of pairs on its way into memory, column by column: keys that are bytes there need not become strings. */
import type { Column } from "../block/column.ts";
import { columnValues } from "../block/column-values.ts";
import type { FrameColumns } from "../block/frame.ts";
import type { GroupRows } from "./group-rows.ts";

export class GroupFrame {
  readonly #rows: number;
  readonly #keys: Column;
  readonly #keyValues: readonly unknown[] | undefined;
  readonly #numbers: Float64Array | undefined;
  readonly #values: readonly unknown[] | undefined;
  /** The next row, and where its key begins if it is bytes. */
  #row = 0;
  #at = 0;

  constructor({
    rows,
    keys = { kind: "values", values: new Array(rows).fill(undefined) },
    values,
  }: FrameColumns) {
    this.#rows = rows;
    this.#keys = keys;
    this.#keyValues = keys.kind === "text" && keys.encoding === "ascii" ? undefined : columnValues(keys);
    this.#numbers = values.kind === "numbers" ? Float64Array.from(values.numbers) : undefined;
    this.#values = this.#numbers === undefined ? columnValues(values) : undefined;
  }

  get isDone(): boolean {
    return this.#row === this.#rows;
  }

  /** Adds rows until these take `bytesMax` or there are no more; says whether they do. */
  addTo(rows: GroupRows, bytesMax: number): boolean {
    const { index } = rows;
    const keys = this.#keys;
    while (this.#row < this.#rows) {
      const before = index.size;
      let entry: number;
      if (this.#keyValues === undefined && keys.kind === "text") {
        const end = this.#at + (keys.lengths[this.#row] as number);
        entry = index.enterAscii(keys.bytes, this.#at, end);
        this.#at = end;
      } else entry = index.enter(this.#keyValues?.[this.#row]);
      if (entry === before) rows.began(entry);
      if (this.#numbers !== undefined) rows.addNumber(entry, this.#numbers[this.#row] as number);
      else rows.addValue(entry, this.#values?.[this.#row]);
      this.#row++;
      if (rows.bytes >= bytesMax) return true;
    }
    return false;
  }
}
