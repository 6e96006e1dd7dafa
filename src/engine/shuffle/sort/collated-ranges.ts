import type { BicoastalError } from "../../../base/errors.ts";
import type { BlockRef } from "../../../plan/task.ts";
import { blockCorrupt } from "../block/block-format.ts";
import type { BlockReader } from "../block/block-reader.ts";
import type { FrameExtent } from "../block/frame.ts";
import type { KeyOrder } from "../runs/merge.ts";
import { LIST_FIRST_RUN, LIST_MARKS, MARK_FRAME } from "./collated-sink.ts";

/** A sorted run in a block of a map task. */
export interface BlockRun {
  readonly ref: BlockRef;
  readonly frames: readonly FrameExtent[];
  /** First key of each frame. */
  readonly firstKeys: readonly unknown[];
}

/** A key that stands for so many rows. */
export interface KeySample {
  readonly key: unknown;
  readonly rows: number;
}

/** The part of the key order that one partition holds: `from <= key < to`; undefined: no bound on that side. */
export interface KeyRange {
  readonly from: { readonly key: unknown } | undefined;
  readonly to: { readonly key: unknown } | undefined;
}

/** What a sort sink left in a block: its runs in order, and its samples appended to `samples`. */
export function readRuns(
  block: BlockReader,
  ref: BlockRef,
  sink: number,
  samples: KeySample[],
): readonly BlockRun[] {
  const firstKeys: unknown[][] = [];
  for (const extent of block.frames(sink, LIST_MARKS)) {
    const { keys, values } = block.read(extent, "all");
    for (let i = 0; i < values.length; i++) {
      const [mark, run, rows] = values[i] as readonly [number, number, number];
      if (mark !== MARK_FRAME) samples.push({ key: keys[i], rows });
      else {
        firstKeys[run] ??= [];
        firstKeys[run].push(keys[i]);
      }
    }
  }
  return firstKeys.map((first, run) => {
    const frames = block.frames(sink, LIST_FIRST_RUN + run);
    if (frames.length !== first.length) throw runsContradict(ref);
    return { ref, frames, firstKeys: first };
  });
}

const runsContradict = (ref: BlockRef): BicoastalError =>
  blockCorrupt(ref.key, "the index of its sorted runs contradicts them");

/**
 * Cuts the key order into as many ranges of about as many rows, by the samples of all blocks. Every reader of the
 * same blocks finds the same ranges. Equal keys are never parted.
 */
export function rangeOf(
  samples: readonly KeySample[],
  order: KeyOrder,
  partition: number,
  partitions: number,
): KeyRange {
  const sorted = [...samples].sort((a, b) => order(a.key, b.key));
  const total = sorted.reduce((sum, sample) => sum + sample.rows, 0);
  const boundary = (index: number): { key: unknown } | undefined => {
    if (index === 0 || index === partitions) return undefined;
    const before = (total * index) / partitions;
    let rows = 0;
    const first = sorted.find((sample) => {
      rows += sample.rows;
      return rows > before;
    });
    return first === undefined ? undefined : { key: first.key };
  };
  return { from: boundary(partition), to: boundary(partition + 1) };
}

/** The run with only those frames that may hold keys of the range; undefined where there are none. */
export function within(run: BlockRun, range: KeyRange, order: KeyOrder): BlockRun | undefined {
  const { from, to } = range;
  const { firstKeys } = run;
  // Rows equal to `from` may already be in the frame before the first that begins with it.
  let first = 0;
  if (from !== undefined) {
    while (first + 1 < firstKeys.length && order(firstKeys[first + 1], from.key) < 0) first++;
  }
  let last = firstKeys.length;
  if (to !== undefined) while (last > first && order(firstKeys[last - 1], to.key) >= 0) last--;
  if (last === first) return undefined;
  return { ref: run.ref, frames: run.frames.slice(first, last), firstKeys: firstKeys.slice(first, last) };
}
