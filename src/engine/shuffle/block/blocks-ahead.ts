import type { BlockRef, ProducerBlocks } from "../../../plan/task.ts";
import { BlockReader, type BlockReaderOptions } from "./block-reader.ts";
import type { FrameExtent } from "./frame.ts";

/**
 * Blocks of other nodes that are fetched while one is read: each is some round trips away. Of small blocks more, as what is asked
 * for in one turn goes together, and a task may read a few kilobytes of each of hundreds;
 */
const BLOCKS_AHEAD_MIN = 4;
const BLOCKS_AHEAD_MAX = 16;
/** as long as they have no more than this, of which a task reads its part. */
const BYTES_AHEAD_MAX = 64 * 1024 * 1024;

/** Which partitions' frames are wanted: of all blocks the same one, or by a block's place among them. */
export type WantedPartitions = number | ((place: number) => readonly number[]);

/** An open block, and the frames that are wanted of it, which are prepared. */
export interface ReadyBlock {
  readonly block: BlockReader;
  readonly producer: ProducerBlocks;
  /** Its place among the blocks of all producers. */
  readonly place: number;
  readonly extents: readonly FrameExtent[];
}

interface Place {
  readonly ref: BlockRef;
  readonly producer: ProducerBlocks;
}

/**
 * The blocks of a shuffle in the order of producers and their partitions. Those of other nodes are opened a few ahead of
 * their turn; those of this node when it comes, as nothing has to be waited for.
 */
export class BlocksAhead {
  readonly #places: readonly Place[];
  readonly #wanted: WantedPartitions;
  readonly #options: BlockReaderOptions;
  /** Opened, or being opened, before their turn. */
  readonly #ahead: Promise<ReadyBlock>[] = [];
  /** How long those are. */
  #aheadBytes = 0;
  #next = 0;

  constructor(producers: readonly ProducerBlocks[], wanted: WantedPartitions, options: BlockReaderOptions) {
    this.#places = producers.flatMap((producer) => producer.blocks.map((ref) => ({ ref, producer })));
    this.#wanted = wanted;
    this.#options = options;
  }

  /** The next block, which is the caller's to close; undefined after the last. Rejects with what opening it failed of. */
  next(): Promise<ReadyBlock> | undefined {
    const first = this.#places[this.#next - this.#ahead.length];
    const begun = this.#ahead.shift();
    if (begun !== undefined) this.#aheadBytes -= first!.ref.bytes;
    const ready = begun ?? this.#openNext();
    while (this.#takesAhead(this.#places[this.#next]?.ref)) {
      const opening = this.#openNext() as Promise<ReadyBlock>;
      // Heard of when its turn comes, if it does.
      opening.catch(() => {});
      this.#ahead.push(opening);
    }
    return ready;
  }

  /** Whether this block, the next one, is opened now; if so, it counts as one of those ahead. */
  #takesAhead(ref: BlockRef | undefined): boolean {
    if (ref?.node === undefined || this.#ahead.length >= BLOCKS_AHEAD_MAX) return false;
    const bytes = this.#aheadBytes + ref.bytes;
    if (this.#ahead.length >= BLOCKS_AHEAD_MIN && bytes > BYTES_AHEAD_MAX) return false;
    this.#aheadBytes = bytes;
    return true;
  }

  /** Closes what was opened ahead. */
  async close(): Promise<void> {
    for (const opening of this.#ahead.splice(0)) {
      const ready = await opening.catch(() => undefined);
      ready?.block.close();
    }
  }

  #openNext(): Promise<ReadyBlock> | undefined {
    const place = this.#places[this.#next];
    return place === undefined ? undefined : this.#open(place, this.#next++);
  }

  async #open({ ref, producer }: Place, place: number): Promise<ReadyBlock> {
    const block = await BlockReader.open(ref, this.#options);
    try {
      const { sink } = producer;
      const wanted = this.#wanted;
      const extents =
        typeof wanted === "number"
          ? block.frames(sink, wanted)
          : wanted(place).flatMap((partition) => block.frames(sink, partition));
      if (extents.length > 0) await block.prepare(extents);
      return { block, producer, place, extents };
    } catch (error) {
      block.close();
      throw error;
    }
  }
}
