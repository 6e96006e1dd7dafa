/**
 * Values on their way into a frame, taken apart when they come: numbers into a typed array, short ASCII texts into bytes,
 * flat records into a column a field. Kept as they are until their frame is full, thousands of objects outlive V8's
 * young generation, and to move them on and collect them costs more than all else that is done with them.
 *
 * Invariants: what `column` gives makes the same bytes as the values themselves would, and `add` returns what
 * `estimateBytes` would. A column that meets a value it cannot hold is a list of values again, and stays one: what came
 * once comes again.
 */
import { isPlainObject } from "../../../base/compare.ts";
import { estimateBytes, estimateFields } from "../estimate.ts";
import { owned } from "../own-string.ts";
import { type AsciiText, TEXT_UNITS_MAX, TextColumnBuffer } from "./ascii-text.ts";
import type { ColumnSource } from "./column.ts";
import { addFields, hasShape, putTogether, type Shape, shapeOf } from "./record-shape.ts";

/** Records of more fields are kept as they are. */
const FIELDS_MAX = 16;
const NUMBERS_MIN = 64;
/** One for all: most tasks of a filter that keeps little have no value at all. */
const NO_NUMBERS = new Float64Array(0);
const EMPTY_TEXT_BYTES = estimateBytes("");
const NUMBER_BYTES = estimateBytes(0);

const KIND = { none: 0, numbers: 1, texts: 2, records: 3, values: 4 } as const;
type Kind = (typeof KIND)[keyof typeof KIND];

export class ValueBuffer {
  rows = 0;
  #kind: Kind = KIND.none;
  /** Whether a column met what it could not hold. */
  #isMixed = false;
  #numbers = NO_NUMBERS;
  #texts: TextColumnBuffer | undefined;
  /** Of the records, and a column for each field. */
  #shape: Shape | undefined;
  #fields: readonly ValueBuffer[] = [];
  #values: unknown[] = [];
  readonly #depth: number;

  /** @param depth How many records the values are in. */
  constructor(depth = 0) {
    this.#depth = depth;
  }

  /** Takes a value; texts need not be safe to keep. Returns the estimate of what was added. */
  add(value: unknown): number {
    if (this.#kind === KIND.none) this.#begin(value);
    switch (this.#kind) {
      case KIND.numbers:
        if (typeof value === "number") return this.#addNumber(value);
        break;
      case KIND.texts:
        if (typeof value === "string" && this.#texts?.addText(value) === true) {
          this.rows++;
          return EMPTY_TEXT_BYTES + value.length;
        }
        break;
      case KIND.records: {
        if (!isPlainObject(value) || !hasShape(value, this.#shape as Shape)) break;
        this.rows++;
        return estimateFields(this.#fields.length) + addFields(value, this.#shape as Shape, this.#fields);
      }
      case KIND.values:
        return this.#addValue(value);
    }
    this.#mix();
    return this.#addValue(value);
  }

  /** As `add`, for a text that was read there. */
  addAscii(text: string, read: AsciiText): number {
    if (this.#kind === KIND.none && !this.#isMixed) this.#beginTexts();
    if (this.#kind !== KIND.texts) return this.add(text);
    this.#texts?.add(read);
    this.rows++;
    return EMPTY_TEXT_BYTES + read.length;
  }

  /** Views: valid until the next change. */
  get column(): ColumnSource {
    switch (this.#kind) {
      case KIND.numbers:
        return this.#numbers.subarray(0, this.rows);
      case KIND.texts:
        return (this.#texts as TextColumnBuffer).column();
      case KIND.records:
        return { names: (this.#shape as Shape).names, columns: this.#fields.map(({ column }) => column) };
      default:
        return this.#values;
    }
  }

  clear(): void {
    this.rows = 0;
    this.#values.length = 0;
    this.#texts?.clear();
    if (this.#kind === KIND.records) for (const field of this.#fields) field.clear();
    this.#kind = KIND.none;
  }

  #begin(value: unknown): void {
    this.#kind = KIND.values;
    if (this.#isMixed) return;
    if (typeof value === "number") this.#kind = KIND.numbers;
    else if (typeof value === "string" && value.length <= TEXT_UNITS_MAX) this.#beginTexts();
    else if (this.#depth === 0 && isPlainObject(value)) this.#beginRecords(value);
  }

  #beginTexts(): void {
    this.#kind = KIND.texts;
    this.#texts ??= new TextColumnBuffer();
  }

  #beginRecords(record: Record<string, unknown>): void {
    const names = Object.keys(record);
    if (names.length === 0 || names.length > FIELDS_MAX) return;
    const shape = shapeOf(names);
    if (!hasShape(record, shape)) return;
    this.#kind = KIND.records;
    if (this.#shape === shape) return;
    this.#shape = shape;
    this.#fields = names.map(() => new ValueBuffer(this.#depth + 1));
  }

  #addNumber(value: number): number {
    if (this.rows === this.#numbers.length) {
      const numbers = new Float64Array(Math.max(NUMBERS_MIN, this.rows * 2));
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    this.#numbers[this.rows++] = value;
    return NUMBER_BYTES;
  }

  #addValue(value: unknown): number {
    this.rows++;
    this.#values.push(this.#depth === 0 ? owned(value) : value);
    return estimateBytes(value, this.#depth);
  }

  /** Makes the rows so far values. */
  #mix(): void {
    this.#values = this.#takeValues();
    this.#kind = KIND.values;
    this.#isMixed = true;
  }

  /** The rows as values; they are not here any more then. */
  #takeValues(): unknown[] {
    switch (this.#kind) {
      case KIND.numbers:
        return Array.from(this.#numbers.subarray(0, this.rows));
      case KIND.texts: {
        const texts: unknown[] = [];
        this.#texts?.moveTo(texts);
        return texts;
      }
      case KIND.records: {
        const { rows } = this;
        const columns = this.#fields.map((field) => field.#takeValues());
        for (const field of this.#fields) field.clear();
        return putTogether(columns, rows, this.#shape as Shape);
      }
      default: {
        const values = this.#values;
        this.#values = [];
        return values;
      }
    }
  }
}
