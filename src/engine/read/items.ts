import { BicoastalError } from "../../base/errors.ts";
import type { SourceFormat } from "../../plan/node.ts";
import type { Batch, BatchInput, RecordPlace } from "../batch.ts";

/** Rows of a batch: enough that what happens once a batch costs nothing, and the batch stays in cache. */
const BATCH_ROWS = 1024;

type ItemSource = Extract<SourceFormat, { readonly format: "range" | "of" }>;

/** How many items a `range` or `of` source has. Throws JOB_INVALID for a range that has no end. */
export function itemCount(source: ItemSource): number {
  if (source.format === "of") return source.values.length;
  const { start, end, step } = source;
  let count = Math.max(0, Math.ceil((end - start) / step));
  // Division can round up to one item too many, which would be `end` itself or beyond.
  if (count > 0 && (start + (count - 1) * step - end) * Math.sign(step) >= 0) count -= 1;
  if (Number.isSafeInteger(count)) return count;
  throw new BicoastalError(
    "JOB_INVALID",
    `read.range from ${start} to ${end} by ${step} has no countable number of items. Use finite numbers, a step other than 0.`,
  );
}

/** Items [start, end) of a `range` or `of` source. */
export class ItemsInput implements BatchInput {
  readonly bytesIn = 0;
  readonly #source: ItemSource;
  readonly #end: number;
  #at: number;
  readonly #rows: unknown[] = [];

  constructor(source: ItemSource, start: number, end: number) {
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  next(): Batch | undefined {
    const first = this.#at;
    const count = Math.min(BATCH_ROWS, this.#end - first);
    if (count <= 0) return undefined;
    const source = this.#source;
    const rows = this.#rows;
    if (source.format === "of") {
      for (let index = 0; index < count; index++) rows[index] = source.values[first + index];
    } else {
      // Multiplied, not added up: item 1,000,000 is the same whichever split it is in.
      for (let index = 0; index < count; index++) rows[index] = source.start + (first + index) * source.step;
    }
    this.#at = first + count;
    return { rows, count, place: (index) => placeOf(source, first + index) };
  }

  close(): void {
    this.#at = this.#end;
  }
}

function placeOf(source: ItemSource, index: number): RecordPlace {
  // Values of `of` can be anything, also what no text can be made of.
  const value = source.format === "of" ? "" : `: ${source.start + index * source.step}`;
  return { excerpt: `item ${index} of read.${source.format}${value}` };
}
