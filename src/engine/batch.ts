/**
 * How records move inside a task: in batches, so that whatever is asynchronous happens once a batch and the loop
 * over the records is plain synchronous code.
 */

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
  /** Only where the input's records are taken as bytes: how many were. Then there are no rows. */
  readonly taken?: number;
  /** Only where a shuffle was opened to give text as bytes: `count` records that are text, in UTF-8, a line feed behind each. Then there are no rows. */
  readonly text?: Uint8Array;
}

/** What a stage reads. A batch is the caller's until the next call. */
export interface BatchInput {
  /** The next batch, never an empty one; undefined at the end. A promise only where there is something to wait for. */
  next(): Batch | undefined | Promise<Batch | undefined>;
  /** Bytes consumed so far, as stored. */
  readonly bytesIn: number;
  close(): void;
}
