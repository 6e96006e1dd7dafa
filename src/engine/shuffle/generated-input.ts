import type { Batch, BatchInput } from "../batch.ts";
import { estimateBytes } from "./estimate.ts";
import type { ReadMeter } from "./shuffle-request.ts";

/** Rows of a batch, so that what follows them in the loop stays in the processor's cache. */
export const BATCH_ROWS = 1024;

/** What an operator's reduce side gives to the stage, once all of its input has been taken. */
export interface Reduction {
  readonly batches: Iterator<Batch>;
  /** Frees memory and scratch; called once. */
  dispose(): void;
}

/** An input whose first batch waits for `reduce`, and whose others are there at once. */
export class GeneratedInput implements BatchInput {
  readonly #reduce: () => Promise<Reduction>;
  readonly #meter: ReadMeter;
  #reduction: Reduction | undefined;
  #ended = false;

  constructor(reduce: () => Promise<Reduction>, meter: ReadMeter) {
    this.#reduce = reduce;
    this.#meter = meter;
  }

  get bytesIn(): number {
    return this.#meter.bytes;
  }

  next(): Batch | undefined | Promise<Batch | undefined> {
    if (this.#ended) return undefined;
    return this.#reduction === undefined ? this.#first() : this.#following(this.#reduction);
  }

  close(): void {
    this.#ended = true;
    this.#reduction?.dispose();
    this.#reduction = undefined;
  }

  async #first(): Promise<Batch | undefined> {
    const reduction = await this.#reduce();
    if (this.#ended) {
      // Closed while it was being made.
      reduction.dispose();
      return undefined;
    }
    this.#reduction = reduction;
    return this.#following(reduction);
  }

  #following({ batches }: Reduction): Batch | undefined {
    const next = batches.next();
    if (next.done !== true) return next.value;
    this.close();
    return undefined;
  }
}

/** Estimated bytes of a batch: rows of a megabyte each must not be in memory by the thousand. */
const BATCH_BYTES = 1024 * 1024;
/** One row in so many is measured: large rows mostly come together, and measuring each would cost too much. */
const MEASURED_EVERY = 16;

/** Gathers rows for batches. The same array serves every batch: a batch is the caller's only until the next. */
export class BatchRows {
  readonly rows: unknown[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.rows.length >= BATCH_ROWS || this.#bytes >= BATCH_BYTES;
  }

  push(row: unknown): void {
    if (this.rows.length % MEASURED_EVERY === 0) this.#bytes += MEASURED_EVERY * estimateBytes(row);
    this.rows.push(row);
  }

  /** For rows that differ much in size. */
  pushMeasured(row: unknown): void {
    this.#bytes += estimateBytes(row);
    this.rows.push(row);
  }

  /** Nothing may be added to this batch any more. */
  seal(): void {
    this.#bytes = BATCH_BYTES;
  }

  /** The rows gathered since the last batch. They stay in place until `clear`. */
  batch(): Batch {
    return { rows: this.rows, count: this.rows.length };
  }

  clear(): void {
    this.rows.length = 0;
    this.#bytes = 0;
  }
}
