import { hashKey, partitionOf } from "../../../base/hash.ts";
import { AsciiText } from "../block/ascii-text.ts";
import { PartitionFrames } from "../block/partition-frames.ts";
import type { KeyedSink } from "../sink.ts";
import { SINK_BYTES, SINK_ROWS, type SinkTarget } from "../sink-options.ts";
import { ChainTable } from "./chain-table.ts";
import { settled } from "./group.ts";

/** Sends every record to the partition of its key: group, cogroup and join. */
export class HashSink implements KeyedSink {
  readonly #frames: PartitionFrames;
  readonly #partitions: number;
  readonly #keysOnly: boolean;
  readonly #text = new AsciiText();

  /** `keysOnly`: nobody will look at the values (the right side of a semi or anti join). */
  constructor(target: SinkTarget, keysOnly: boolean) {
    this.#frames = new PartitionFrames(target);
    this.#partitions = target.partitions;
    this.#keysOnly = keysOnly;
  }

  add(given: unknown, value: unknown): void {
    if (typeof given === "string" && this.#text.read(given)) {
      const kept = this.#keysOnly ? null : settled(value);
      this.#frames.addAscii(partitionOf(this.#text.hash, this.#partitions), given, this.#text, kept);
      return;
    }
    const key = settled(given);
    const partition = partitionOf(hashKey(key), this.#partitions);
    this.#frames.addPair(partition, key, this.#keysOnly ? null : settled(value));
  }

  finish(): void {
    this.#frames.flush();
  }
}

type Combine = (key: unknown, values: readonly unknown[]) => unknown;

/** As `HashSink`, with the user's combiner over each lot of values of a key that are here together. */
export class CombiningSink implements KeyedSink {
  readonly #combine: Combine;
  readonly #rows = new ChainTable();
  readonly #frames: PartitionFrames;
  readonly #partitions: number;

  constructor(target: SinkTarget, combine: Combine) {
    this.#combine = combine;
    this.#frames = new PartitionFrames(target);
    this.#partitions = target.partitions;
  }

  add(key: unknown, value: unknown): void {
    this.#rows.add(settled(key), settled(value));
    if (this.#rows.rows >= SINK_ROWS || this.#rows.bytes >= SINK_BYTES) this.#flush();
  }

  finish(): void {
    this.#flush();
    this.#frames.flush();
  }

  #flush(): void {
    const { table } = this.#rows;
    for (let entry = 0; entry < table.size; entry++) {
      const key = table.keys[entry];
      const values = this.#rows.valuesOf(entry);
      const value = values.length === 1 ? values[0] : this.#combine(key, values);
      this.#frames.addPair(partitionOf(table.hashOf(entry), this.#partitions), key, value);
    }
    this.#rows.clear();
  }
}
