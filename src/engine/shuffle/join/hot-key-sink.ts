/**
 * The left side of a join on its way to the partitions. A key with a great share of the rows would make one reduce task
 * do most of the work; so each map task sends what it still has of such a key, once it is known, to a partition of the
 * task's own choice, marked (`splitPartition`), and whoever reads that fetches the key's right rows from its home.
 *
 * - Known by the rows alone: of every so many one is counted, and a key is hot that has its share of two lots in a row.
 *   One lot would take long runs of sorted input for hot keys.
 * - Of every key the first rows of a task go home, where right rows are told by them that they have a match.
 * - Only texts and numbers are split, and few a task: each costs its reader the right side of a partition.
 */
import { hashKey, partitionOf } from "../../../base/hash.ts";
import { PartitionFrames } from "../block/partition-frames.ts";
import { settled } from "../group/group.ts";
import { owned } from "../own-string.ts";
import type { KeyedSink } from "../sink.ts";
import type { SinkTarget } from "../sink-options.ts";

/** Prime, so that it meets all rows of input in which something repeats. */
const COUNTED_EVERY = 13;
/** Rows counted of one lot. */
const LOT_ROWS = 256;
/** Of these, what makes a key hot. */
const HOT_ROWS = LOT_ROWS / 8;
const HOT_KEYS_MAX = 4;

/** Where the split rows for a partition are, among the partitions of a block. */
export const splitPartition = (partition: number, partitions: number): number => partitions + partition;

export class HotKeySink implements KeyedSink {
  readonly #frames: PartitionFrames;
  readonly #partitions: number;
  readonly #task: number;
  /** For each hot key, where its rows go. */
  readonly #hot = new Map<unknown, number>();
  #untilCounted = COUNTED_EVERY;
  #counted = 0;
  #counts = new Map<unknown, number>();
  #frequentBefore: ReadonlySet<unknown> = new Set();

  /** @param taskPartition Of the map task. */
  constructor(target: SinkTarget, taskPartition: number) {
    this.#partitions = target.partitions;
    this.#task = taskPartition;
    this.#frames = new PartitionFrames({ ...target, partitions: target.partitions * 2 });
  }

  add(given: unknown, value: unknown): void {
    const key = settled(given);
    const split = this.#hot.size === 0 ? undefined : this.#hot.get(key);
    const to = split ?? partitionOf(hashKey(key), this.#partitions);
    this.#frames.addPair(to, owned(key), owned(settled(value)));
    if (--this.#untilCounted === 0) this.#count(key);
  }

  finish(): void {
    this.#frames.flush();
  }

  #count(key: unknown): void {
    this.#untilCounted = COUNTED_EVERY;
    if (typeof key === "string" || typeof key === "number") {
      const own = owned(key);
      this.#counts.set(own, (this.#counts.get(own) ?? 0) + 1);
    }
    if (++this.#counted < LOT_ROWS) return;
    const frequent = new Set<unknown>();
    for (const [each, rows] of this.#counts) if (rows >= HOT_ROWS) frequent.add(each);
    for (const each of frequent) if (this.#frequentBefore.has(each)) this.#split(each);
    this.#frequentBefore = frequent;
    this.#counts = new Map();
    this.#counted = 0;
  }

  #split(key: unknown): void {
    if (this.#hot.size >= HOT_KEYS_MAX || this.#hot.has(key)) return;
    const home = partitionOf(hashKey(key), this.#partitions);
    const partition = (home + this.#task) % this.#partitions;
    // The tasks whose turn it is keep theirs at home.
    if (partition !== home) this.#hot.set(key, splitPartition(partition, this.#partitions));
  }
}
