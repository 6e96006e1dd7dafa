/**
 * How records move inside a task: in batches, so that whatever is asynchronous happens once a batch and the loop
 * over the records is plain synchronous code.
 */

import type { Piece } from "./read/record-feed.ts";

/** Where a record came from. For error messages only, and so worked out late. */
export interface RecordPlace {
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** Of the record's first byte, in the file (decompressed). */
  readonly byteOffset?: number;
  /** The record as text, cut to some 200 characters. */
  readonly excerpt?: string;
}

export interface Batch {
  /** Only the first `count` are valid. */
  readonly rows: readonly unknown[];
  readonly count: number;
  /** Where row `index` came from; undefined where nobody knows. */
  place?(index: number): RecordPlace | Promise<RecordPlace>;
  /** Only where the input was opened to give bytes: records that are not rows yet. Then there are no rows. */
  readonly piece?: Piece;
}

/** What a stage reads. A batch is the caller's until the next call. */
export interface BatchInput {
  /** The next batch, never an empty one; undefined at the end. A promise only where there is something to wait for. */
  next(): Batch | undefined | Promise<Batch | undefined>;
  /** Bytes consumed so far, as stored. */
  readonly bytesIn: number;
  close(): void;
}
