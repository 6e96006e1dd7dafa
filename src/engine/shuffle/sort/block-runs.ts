/** The runs that map tasks left in their blocks, of which one reader takes its range. */

import { BicoastalError } from "../../../base/errors.ts";
import type { SortNode } from "../../../plan/node.ts";
import type { BlockRef, ProducerBlocks } from "../../../plan/task.ts";
import { allEnded, BLOCKS_FETCHED_MAX } from "../block/all-ended.ts";
import { type BlockFrame, blockCorrupt } from "../block/block-format.ts";
import { BlockReader, FrameRoom } from "../block/block-reader.ts";
import type { FrameExtent } from "../block/frame.ts";
import type { ReadMeter, ShuffleRequest } from "../shuffle-request.ts";
import { KEY_TAG, KeyBytes } from "./key-bytes.ts";
import { checkFrame } from "./run-frame.ts";
import { deriveKeys, type LoadedFrame, type RunSource, tagKeys, textsAsValues } from "./run-source.ts";
import {
  frameList,
  KEY_BYTES_MAX,
  LIST_FRAMES,
  LIST_SAMPLES,
  MARK_FRAME,
  MARK_RUN,
  type Mark,
  RUN_DERIVED,
  RUN_TEXT,
  RUN_UNTAGGED,
  readMarks,
  valueList,
} from "./sort-marks.ts";
import { type BytesOrder, bytesOrder, framesWithin, type KeyRange, rangeOf, Samples } from "./sort-ranges.ts";

/** Blocks that stay open between looking for runs and reading them. */
const BLOCKS_KEPT_MAX = 128;

/** The frames of a run that may hold keys of the range. */
export interface BlockRun {
  readonly ref: BlockRef;
  readonly sink: number;
  readonly run: number;
  readonly stored: number;
  readonly first: number;
  readonly last: number;
  /** Of its texts or keys; 0 where keys are made of the rows. */
  readonly frameBytesMax: number;
}

export interface FoundRuns {
  readonly runs: readonly BlockRun[];
  /** As the keys of a merge of them are: without tags where none of them has. */
  readonly range: KeyRange;
  /** Bytes that all keys of the range share. */
  readonly shared: number;
  /** Whether all rows are text. */
  readonly text: boolean;
}

interface Place {
  readonly ref: BlockRef;
  readonly sink: number;
}

/** A run as its marks tell of it. */
interface MarkedRun {
  readonly run: number;
  readonly stored: number;
  readonly lastKey: Buffer;
  readonly firstKeys: Buffer[];
}

interface Borders {
  /** Which blocks they are of, cut into how many partitions. */
  readonly of: string;
  readonly borders: readonly (Buffer | undefined)[];
}

/** Those that a task of this thread found last. They follow from the blocks, so that it does not matter who did. */
let lastBorders: Borders | undefined;

export class BlockRuns {
  /** Whether all rows of the range are text, and whether any key has its tag; known when runs were found. */
  text = true;
  tagged = false;
  readonly #request: ShuffleRequest<SortNode>;
  readonly #meter: ReadMeter;
  readonly #order: BytesOrder;
  readonly #keyBytes = new KeyBytes();
  readonly #open = new Map<string, BlockReader>();

  constructor(request: ShuffleRequest<SortNode>, meter: ReadMeter) {
    this.#request = request;
    this.#meter = meter;
    this.#order = bytesOrder(request.node.descending === true);
  }

  /** Finds the range of this partition, and the runs that have something of it. */
  async find(): Promise<FoundRuns> {
    const { partition, partitions, sides } = this.#request;
    const places = sides.flat().flatMap(placesOf);
    const range = rangeOf(await this.#borders(places, partitions), partition);
    const runs: BlockRun[] = [];
    const extremes = new Extremes(this.#order);
    for (const [i, { ref, sink }] of places.entries()) {
      if (i % BLOCKS_FETCHED_MAX === 0) await this.#fetchMarks(places, i, LIST_FRAMES);
      for (const marked of runsOf(await this.#marks(ref, sink, LIST_FRAMES), ref)) {
        const { run, stored, firstKeys, lastKey } = marked;
        if (range.from !== undefined && this.#order(lastKey, range.from) < 0) continue;
        const [first, last] = framesWithin(firstKeys, range, this.#order);
        if (first === last) continue;
        extremes.add(firstKeys[0] as Buffer, lastKey);
        const frameBytesMax = await this.#frameBytesMax(ref, sink, run, first, last);
        runs.push({ ref, sink, run, stored, first, last, frameBytesMax });
      }
    }
    this.text = runs.every(({ stored }) => (stored & RUN_TEXT) !== 0);
    this.tagged = !runs.every(({ stored }) => (stored & RUN_UNTAGGED) !== 0);
    const shared = extremes.shared(range);
    if (this.tagged) return { runs, range, shared, text: this.text };
    return { runs, range: this.#untag(range), shared: Math.max(0, shared - 1), text: this.text };
  }

  /** For reading. They stay open until `close`. */
  async open(runs: readonly BlockRun[]): Promise<readonly RunSource[]> {
    const byBlock = new Map<string, BlockRun[]>();
    for (const run of runs) {
      const known = byBlock.get(run.ref.key);
      if (known === undefined) byBlock.set(run.ref.key, [run]);
      else known.push(run);
    }
    const blocks = [...byBlock.values()];
    for (let i = 0; i < blocks.length; i += BLOCKS_FETCHED_MAX) {
      await allEnded(blocks.slice(i, i + BLOCKS_FETCHED_MAX), async (some) => {
        const block = await this.#reader((some[0] as BlockRun).ref);
        // At once, as a block is fetched in pieces that are larger than most runs.
        await block.prepare(some.flatMap((run) => extentsOf(run, block)));
      });
    }
    return runs.map((run) => this.#source(run, this.#open.get(run.ref.key) as BlockReader));
  }

  close(): void {
    for (const block of this.#open.values()) block.close();
    this.#open.clear();
  }

  /** All tasks of a sort find the same ones: a thread looks for them once. */
  async #borders(places: readonly Place[], partitions: number): Promise<Borders["borders"]> {
    const { checkpoint, breathe } = this.#request;
    const of = JSON.stringify([partitions, places.map(({ ref, sink }) => [ref.key, ref.checksum, sink])]);
    if (lastBorders?.of === of) return lastBorders.borders;
    const samples = new Samples(this.#order);
    for (const [i, { ref, sink }] of places.entries()) {
      if (i % BLOCKS_FETCHED_MAX === 0) await this.#fetchMarks(places, i, LIST_SAMPLES);
      for (const mark of await this.#marks(ref, sink, LIST_SAMPLES)) samples.add(mark);
      checkpoint?.();
      if (breathe !== undefined) await breathe();
    }
    const borders = samples.borders(partitions);
    lastBorders = { of, borders };
    return borders;
  }

  async #frameBytesMax(
    ref: BlockRef,
    sink: number,
    run: number,
    first: number,
    last: number,
  ): Promise<number> {
    const frames = (await this.#reader(ref)).frames(sink, frameList(run));
    let most = 0;
    for (let at = first; at < Math.min(last, frames.length); at++) {
      most = Math.max(most, (frames[at] as BlockFrame).plainBytes);
    }
    return most;
  }

  async #marks(ref: BlockRef, sink: number, list: number): Promise<readonly Mark[]> {
    if (this.#open.size >= BLOCKS_KEPT_MAX && !this.#open.has(ref.key)) this.close();
    const block = await this.#reader(ref);
    const extents = block.frames(sink, list);
    await block.prepare(extents);
    return extents.flatMap((extent) =>
      reading(block, extent, () => {
        // Not metered: a thread that knows the borders reads fewer marks. Keys of marks are views, and are kept.
        return readMarks(block.readBytes(extent, new FrameRoom()));
      }),
    );
  }

  /** Of the next few blocks, where they are other nodes': they are asked for together. */
  async #fetchMarks(places: readonly Place[], from: number, list: number): Promise<void> {
    const next = places.slice(from, from + BLOCKS_FETCHED_MAX).filter(({ ref }) => ref.node !== undefined);
    if (next.length < 2) return;
    if (this.#open.size + next.length > BLOCKS_KEPT_MAX) this.close();
    const byBlock = new Map(next.map((place) => [place.ref.key, place]));
    await allEnded([...byBlock.values()], async ({ ref, sink }) => {
      const block = await this.#reader(ref);
      await block.prepare(block.frames(sink, list));
    });
  }

  async #reader(ref: BlockRef): Promise<BlockReader> {
    const known = this.#open.get(ref.key);
    if (known !== undefined) return known;
    const block = await BlockReader.open(ref, this.#request.env);
    this.#open.set(ref.key, block);
    return block;
  }

  #source({ ref, sink, run, stored, first, last, frameBytesMax }: BlockRun, block: BlockReader): RunSource {
    const isText = (stored & RUN_TEXT) !== 0;
    const isDerived = (stored & RUN_DERIVED) !== 0;
    const bodies = block.frames(sink, frameList(run));
    const rows = block.frames(sink, valueList(run));
    if ((isDerived ? rows : bodies).length < last) throw runsContradict(ref);
    if ((isText && isDerived) || (!isText && rows.length < last)) throw runsContradict(ref);
    const addTags = this.tagged && (stored & RUN_UNTAGGED) !== 0;
    return {
      frames: last - first,
      frameBytesMax,
      read: (frame, room): LoadedFrame => {
        this.#request.checkpoint?.();
        const valuesAt = isText ? undefined : (rows[first + frame] as BlockFrame);
        const valueBytes = valuesAt?.plainBytes ?? 0;
        const values = valuesAt === undefined ? undefined : this.#values(block, valuesAt);
        if (isDerived) {
          const given = values as readonly unknown[];
          return { body: deriveKeys(given, this.#keyBytes), rows: given.length, values, valueBytes };
        }
        const extent = bodies[first + frame] as FrameExtent;
        this.#meter.bytes += extent.bytes;
        const stored = block.readBytes(extent, room);
        if (values !== undefined && values.length !== extent.rows) throw runsContradict(ref);
        reading(block, extent, () => checkFrame(stored, extent.rows, isText));
        const body = addTags ? reading(block, extent, () => tagKeys(stored, extent.rows)) : stored;
        if (!isText || this.text) return { body, rows: extent.rows, values, valueBytes };
        return reading(block, extent, () => textsAsValues(body, extent.rows));
      },
    };
  }

  #values(block: BlockReader, extent: FrameExtent): readonly unknown[] {
    this.#meter.bytes += extent.bytes;
    return block.read(extent).values;
  }

  /** For keys that are all strings, without their tag. */
  #untag({ from, to }: KeyRange): KeyRange {
    return { from: this.#untagged(from), to: this.#untagged(to) };
  }

  /** A border among keys of another type has all strings of these runs on its one side, as they have keys of the range. */
  #untagged(border: Buffer | undefined): Buffer | undefined {
    return border?.[0] === KEY_TAG.string ? border.subarray(1) : undefined;
  }
}

/** The least and the greatest key that there are. */
class Extremes {
  readonly #order: BytesOrder;
  #first: Buffer | undefined;
  #last: Buffer | undefined;

  constructor(order: BytesOrder) {
    this.#order = order;
  }

  add(first: Buffer, last: Buffer): void {
    if (this.#first === undefined || this.#order(first, this.#first) < 0) this.#first = first;
    if (this.#last === undefined || this.#order(last, this.#last) > 0) this.#last = last;
  }

  /** Bytes that all keys between them and in the range begin with. */
  shared(range: KeyRange): number {
    const first = range.from ?? this.#first;
    const last = range.to ?? this.#last;
    if (first === undefined || last === undefined) return 0;
    const bytes = Math.min(first.length, last.length, KEY_BYTES_MAX);
    let shared = 0;
    while (shared < bytes && first[shared] === last[shared]) shared++;
    return shared;
  }
}

/** What is read of a run's frames. */
function extentsOf({ sink, run, first, last }: BlockRun, block: BlockReader): readonly FrameExtent[] {
  const bodies = block.frames(sink, frameList(run)).slice(first, last);
  return bodies.concat(block.frames(sink, valueList(run)).slice(first, last));
}

const placesOf = ({ blocks, sink }: ProducerBlocks): Place[] => blocks.map((ref) => ({ ref, sink }));

function runsOf(marks: readonly Mark[], ref: BlockRef): readonly MarkedRun[] {
  const runs: MarkedRun[] = [];
  for (const { mark, rows, key } of marks) {
    if (mark === MARK_RUN) runs.push({ run: runs.length, stored: rows, lastKey: key, firstKeys: [] });
    else if (mark === MARK_FRAME) {
      const run = runs.at(-1);
      if (run === undefined) throw runsContradict(ref);
      run.firstKeys.push(key);
    }
  }
  return runs;
}

const runsContradict = (ref: BlockRef): BicoastalError =>
  blockCorrupt(ref.key, "the index of its sorted runs contradicts them");

/** What its checksum did not show. */
function reading<T>(block: BlockReader, extent: FrameExtent, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof BicoastalError) throw error;
    throw blockCorrupt(block.key, `the frame at byte ${extent.offset} cannot be read`, error);
  }
}
