import type { BlockRef, ProducerBlocks } from "../../../plan/task.ts";
import { BlockReader, type BlockReaderOptions } from "./block-reader.ts";
import type { FrameExtent } from "./frame.ts";

/** Blocks of other nodes that are fetched while one is read: each is some round trips away. */
const BLOCKS_AHEAD_MAX = 4;

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
  #next = 0;

  constructor(producers: readonly ProducerBlocks[], wanted: WantedPartitions, options: BlockReaderOptions) {
    this.#places = producers.flatMap((producer) => producer.blocks.map((ref) => ({ ref, producer })));
    this.#wanted = wanted;
    this.#options = options;
  }

  /** The next block, which is the caller's to close; undefined after the last. Rejects with what opening it failed of. */
  next(): Promise<ReadyBlock> | undefined {
    const ready = this.#ahead.shift() ?? this.#openNext();
    while (this.#ahead.length < BLOCKS_AHEAD_MAX && this.#places[this.#next]?.ref.node !== undefined) {
      const opening = this.#openNext() as Promise<ReadyBlock>;
      // Heard of when its turn comes, if it does.
      opening.catch(() => {});
      this.#ahead.push(opening);
    }
    return ready;
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
