/** Cuts the order of keys into ranges of about as many rows, by samples of all blocks. */
import type { Mark } from "./sort-marks.ts";

/** Samples that are kept at a time; from twice as many on, neighbours are made one. */
const SAMPLES_MAX = 16 * 1024;

/** Compares the bytes of keys: negative where the first comes before the second. */
export type BytesOrder = (a: Buffer, b: Buffer) => number;

export const bytesOrder = (descending: boolean): BytesOrder =>
  descending ? (a, b) => Buffer.compare(b, a) : (a, b) => Buffer.compare(a, b);

/** The part of the key order that one partition holds: `from <= key < to`; undefined: no border on that side. */
export interface KeyRange {
  readonly from: Buffer | undefined;
  readonly to: Buffer | undefined;
}

interface Sample {
  readonly key: Buffer;
  readonly rows: number;
}

/**
 * Samples of runs in the order in which they were made. Whoever adds the same ones gets the same borders; equal keys
 * are never parted.
 */
export class Samples {
  readonly #order: BytesOrder;
  #samples: Sample[] = [];

  constructor(order: BytesOrder) {
    this.#order = order;
  }

  add({ key, rows }: Mark): void {
    // A copy, as the mark is a view of all marks.
    this.#samples.push({ key: Buffer.from(key), rows });
    if (this.#samples.length >= 2 * SAMPLES_MAX) this.#halve();
  }

  /** Where the ranges of so many partitions meet: the first key of each but the first; undefined where there is none. */
  borders(partitions: number): readonly (Buffer | undefined)[] {
    const samples = this.#sort();
    let total = 0;
    for (const { rows } of samples) total += rows;
    const borders: (Buffer | undefined)[] = [];
    let rows = 0;
    let next = 0;
    for (let index = 1; index < partitions; index++) {
      const before = (total * index) / partitions;
      while (next < samples.length && rows + (samples[next] as Sample).rows <= before) {
        rows += (samples[next++] as Sample).rows;
      }
      borders.push(samples[next]?.key);
    }
    return borders;
  }

  #sort(): readonly Sample[] {
    return this.#samples.sort((a, b) => this.#order(a.key, b.key));
  }

  /** Of two neighbours the later stands for both. */
  #halve(): void {
    const sorted = this.#sort();
    const halved: Sample[] = [];
    for (let i = 0; i + 1 < sorted.length; i += 2) {
      const later = sorted[i + 1] as Sample;
      halved.push({ key: later.key, rows: (sorted[i] as Sample).rows + later.rows });
    }
    if (sorted.length % 2 === 1) halved.push(sorted.at(-1) as Sample);
    this.#samples = halved;
  }
}

export const rangeOf = (borders: readonly (Buffer | undefined)[], partition: number): KeyRange => ({
  from: partition === 0 ? undefined : borders[partition - 1],
  to: borders[partition],
});

/** Which of a run's frames may hold keys of the range, by their first keys: [first, last); none where both are equal. */
export function framesWithin(
  firstKeys: readonly Buffer[],
  { from, to }: KeyRange,
  order: BytesOrder,
): [first: number, last: number] {
  // Rows equal to `from` may already be in the frame before the first that begins with it.
  let first = 0;
  if (from !== undefined) {
    while (first + 1 < firstKeys.length && order(firstKeys[first + 1] as Buffer, from) < 0) first++;
  }
  let last = firstKeys.length;
  if (to !== undefined) while (last > first && order(firstKeys[last - 1] as Buffer, to) >= 0) last--;
  return [first, last];
}
