/**
 * The map side of a sort by a collation, whose order only comparing tells: keys cannot become bytes. Which keys go to which partition is known only when every map task has run, so nothing is
 * partitioned here: the sink writes sorted runs, and what a reader needs to find its range in them.
 *
 * In the block, list 1 + r of the sink holds the frames of run r. List 0 holds pairs about them:
 * `[key, [MARK_FRAME, r, 0]]` for each frame of run r in order, with its first key, and
 * `[key, [MARK_SAMPLE, r, rows]]` for keys evenly spread over the run, each standing for so many rows. Where records
 * are their own keys, frames have no others.
 */
import { checkKey } from "../../../base/hash.ts";
import type { SortNode } from "../../../plan/node.ts";
import { FrameBuffer } from "../block/frame-buffer.ts";
import { settled } from "../group/group.ts";
import { owned } from "../own-string.ts";
import type { KeyOrder } from "../runs/merge.ts";
import type { KeyedSink } from "../sink.ts";
import { SINK_BYTES, SINK_ROWS, type SinkTarget } from "../sink-options.ts";
import { sortOrder } from "./sort-order.ts";

export const MARK_FRAME = 0;
export const MARK_SAMPLE = 1;
export const LIST_MARKS = 0;
export const LIST_FIRST_RUN = 1;
/** Keys sampled of a run. */
const SAMPLES_PER_RUN = 64;

export class CollatedSink implements KeyedSink {
  readonly #order: KeyOrder;
  readonly #target: SinkTarget;
  readonly #rows = new FrameBuffer(SINK_BYTES);
  readonly #marks = new FrameBuffer();
  #runs = 0;

  readonly #keysAreRows: boolean;

  constructor(node: SortNode, target: SinkTarget) {
    this.#order = sortOrder(node.descending, node.collation);
    this.#target = target;
    this.#keysAreRows = node.by === "record";
  }

  add(given: unknown, value: unknown): void {
    const key = settled(given);
    checkKey(key);
    const kept = owned(key);
    this.#rows.addPair(kept, this.#keysAreRows ? kept : owned(settled(value)));
    if (this.#rows.bytes >= SINK_BYTES || this.#rows.values.length >= SINK_ROWS) this.#writeRun();
  }

  finish(): void {
    if (!this.#rows.isEmpty) this.#writeRun();
    this.#flushMarks();
  }

  #writeRun(): void {
    const { keys, values } = this.#rows;
    const sorted = sortedRows(keys, this.#order);
    const frame = new FrameBuffer();
    for (const row of sorted) {
      if (frame.isEmpty) this.#mark(keys[row], MARK_FRAME, 0);
      frame.addPair(keys[row], values[row]);
      if (frame.isFull) this.#writeFrame(frame);
    }
    if (!frame.isEmpty) this.#writeFrame(frame);
    this.#sample(keys, sorted);
    this.#runs++;
    this.#rows.clear();
  }

  #sample(keys: readonly unknown[], sorted: Uint32Array): void {
    const samples = Math.min(sorted.length, SAMPLES_PER_RUN);
    for (let i = 0; i < samples; i++) {
      const start = Math.floor((i * sorted.length) / samples);
      const end = Math.floor(((i + 1) * sorted.length) / samples);
      this.#mark(keys[sorted[(start + end) >> 1] as number], MARK_SAMPLE, end - start);
    }
  }

  #writeFrame(frame: FrameBuffer): void {
    const { block, sinkIndex } = this.#target;
    const keys = this.#keysAreRows ? undefined : frame.keys;
    block.append(sinkIndex, LIST_FIRST_RUN + this.#runs, keys, frame.values);
    frame.clear();
  }

  #mark(key: unknown, mark: number, rows: number): void {
    this.#marks.addPair(key, [mark, this.#runs, rows]);
    if (this.#marks.isFull) this.#flushMarks();
  }

  #flushMarks(): void {
    if (this.#marks.isEmpty) return;
    const { block, sinkIndex } = this.#target;
    block.append(sinkIndex, LIST_MARKS, this.#marks.keys, this.#marks.values);
    this.#marks.clear();
  }
}

/** Row numbers by key, and equal keys by row. */
function sortedRows(keys: readonly unknown[], order: KeyOrder): Uint32Array {
  const rows = new Uint32Array(keys.length);
  for (let i = 0; i < rows.length; i++) rows[i] = i;
  return rows.sort((a, b) => order(keys[a], keys[b]) || a - b);
}
