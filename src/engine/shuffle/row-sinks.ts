import { BicoastalError } from "../../base/errors.ts";
import type { CollectEnd } from "../../plan/node.ts";
import { PartitionFrames } from "./block/partition-frames.ts";
import { settled } from "./group/group.ts";
import type { RowSink } from "./sink.ts";
import type { SinkTarget } from "./sink-options.ts";

/** Deals records out to the partitions in turn. */
export class RepartitionSink implements RowSink {
  readonly #frames: PartitionFrames;
  readonly #partitions: number;
  #next: number;

  /** @param first The partition that gets the first record: tasks of few records should not all begin at the same. */
  constructor(target: SinkTarget, first: number) {
    this.#frames = new PartitionFrames(target);
    this.#partitions = target.partitions;
    this.#next = first % target.partitions;
  }

  push(row: unknown): void {
    this.#frames.addRow(this.#next, settled(row));
    this.#next = this.#next + 1 === this.#partitions ? 0 : this.#next + 1;
  }

  finish(): void {
    this.#frames.flush();
  }
}

/** Keeps records for the caller, up to a bound that holds for each task here and for all of them when they are read. */
export class CollectSink implements RowSink {
  readonly #frames: PartitionFrames;
  readonly #rowsMax: number;
  #rows = 0;

  constructor(end: CollectEnd, target: SinkTarget) {
    this.#frames = new PartitionFrames(target);
    this.#rowsMax = end.rowsMax;
  }

  push(row: unknown): void {
    if (++this.#rows > this.#rowsMax) throw collectTooLarge(this.#rowsMax);
    this.#frames.addRow(0, settled(row));
  }

  finish(): void {
    this.#frames.flush();
  }
}

export function collectTooLarge(rowsMax: number): BicoastalError {
  return new BicoastalError(
    "COLLECT_TOO_LARGE",
    `collect() met more than ${rowsMax} records, which would all have to fit in memory. ` +
      'If they do, lift the bound: `collect({ limit: … })`. Otherwise write them to files: `write("jsonl", directory)`.',
    { details: { rowsMax } },
  );
}
