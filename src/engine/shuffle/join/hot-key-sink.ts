/**
 * One side of a join on its way to the partitions. A key with a great share of the rows would make one reduce task do
 * most of the work; so each map task, once it knows of such a key, puts the rest of its rows apart (`splitPartition`),
 * and every reduce task takes those of some map tasks (`homeTaken`).
 *
 * - Known by the rows alone: of every so many one is counted, and a key is hot that has its share of two lots in a row.
 *   One lot would take long runs of sorted input for hot keys.
 * - Of every key the first rows of a task go to the key's own partition, its home. So a side has rows of a key if, and
 *   only if, it has some there: whether a row has a match is seen at home, however either side is split.
 * - Few keys a task: each costs those who take its rows the other side of a partition.
 * - Of a side of which only the keys matter, further rows of a hot key are dropped: it is known to be there.
 */
import { sameKey } from "../../../base/compare.ts";
import { hashKey, partitionOf } from "../../../base/hash.ts";
import { AsciiText } from "../block/ascii-text.ts";
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

/** Where the rows are that were put apart of a home, among the partitions of a block. */
export const splitPartition = (home: number, partitions: number): number => partitions + home;

/**
 * The home whose split rows a reduce task takes of the block at this place among those of a side: of each block another, so
 * that every home's are dealt out to the tasks in turn.
 */
export const homeTaken = (place: number, partition: number, partitions: number): number =>
  (partition + partitions - (place % partitions)) % partitions;

interface Counted {
  readonly key: unknown;
  rows: number;
}

export class HotKeySink implements KeyedSink {
  readonly #frames: PartitionFrames;
  readonly #partitions: number;
  readonly #keysOnly: boolean;
  readonly #text = new AsciiText();
  /** Hash, as a number of 32 bits with a sign, and key of what is hot. */
  readonly #hotHashes: number[] = [];
  readonly #hotKeys: unknown[] = [];
  #untilCounted = COUNTED_EVERY;
  #counted = 0;
  /** By hash: the first key that was met with it, and how many rows have such keys. */
  #counts = new Map<number, Counted>();
  /** Hashes. */
  #frequentBefore: ReadonlySet<number> = new Set();

  /** `keysOnly`: nobody will look at the values (the right side of a semi or anti join). */
  constructor(target: SinkTarget, keysOnly: boolean) {
    this.#partitions = target.partitions;
    this.#keysOnly = keysOnly;
    this.#frames = new PartitionFrames({ ...target, partitions: target.partitions * 2 });
  }

  add(given: unknown, value: unknown): void {
    const text = this.#text;
    const isRead = typeof given === "string" && text.read(given);
    const key = isRead ? given : settled(given);
    const hash = isRead ? text.hash : hashKey(key);
    const isHot = this.#hotKeys.length > 0 && this.#isHot(hash | 0, key);
    if (--this.#untilCounted === 0) this.#count(hash | 0, key);
    if (isHot && this.#keysOnly) return;
    const home = partitionOf(hash, this.#partitions);
    const to = isHot ? splitPartition(home, this.#partitions) : home;
    const kept = this.#keysOnly ? null : settled(value);
    if (isRead) this.#frames.addAscii(to, given, text, kept);
    else this.#frames.addPair(to, key, kept);
  }

  finish(): void {
    this.#frames.flush();
  }

  #isHot(hash: number, key: unknown): boolean {
    for (let i = 0; i < this.#hotHashes.length; i++)
      if (this.#hotHashes[i] === hash && sameKey(this.#hotKeys[i], key)) return true;
    return false;
  }

  /** Of a row that goes home, unless its key is hot already. */
  #count(hash: number, key: unknown): void {
    this.#untilCounted = COUNTED_EVERY;
    const known = this.#counts.get(hash);
    if (known === undefined) this.#counts.set(hash, { key: owned(key), rows: 1 });
    else known.rows++;
    if (++this.#counted < LOT_ROWS) return;
    const frequent = new Set<number>();
    for (const [each, { rows }] of this.#counts) if (rows >= HOT_ROWS) frequent.add(each);
    for (const each of frequent) if (this.#frequentBefore.has(each)) this.#split(each);
    this.#frequentBefore = frequent;
    this.#counts = new Map();
    this.#counted = 0;
  }

  #split(hash: number): void {
    const { key } = this.#counts.get(hash) as Counted;
    if (this.#hotKeys.length >= HOT_KEYS_MAX || this.#isHot(hash, key)) return;
    this.#hotHashes.push(hash);
    this.#hotKeys.push(key);
  }
}
