import type { FrameExtent, FrameRows } from "../block/frame.ts";

/** Rows in the order of some comparison, one at a time; before the first until `next` is called. */
export interface Cursor {
  /** Of the current row. */
  readonly key: unknown;
  readonly value: unknown;
  /** Moves on; false at the end. */
  next(): boolean;
}

/** The rows of frames, read one frame at a time. Where a frame has no keys, the rows are. */
export class FrameCursor implements Cursor {
  key: unknown = undefined;
  value: unknown = undefined;
  readonly #frames: readonly FrameExtent[];
  readonly #read: (frame: FrameExtent) => FrameRows;
  #rows: FrameRows = { keys: [], values: [] };
  #frame = 0;
  #row = 0;

  constructor(frames: readonly FrameExtent[], read: (frame: FrameExtent) => FrameRows) {
    this.#frames = frames;
    this.#read = read;
  }

  next(): boolean {
    while (this.#row >= this.#rows.values.length) {
      const frame = this.#frames[this.#frame++];
      if (frame === undefined) return false;
      this.#rows = this.#read(frame);
      this.#row = 0;
    }
    const { keys, values } = this.#rows;
    this.value = values[this.#row];
    this.key = keys.length === 0 ? this.value : keys[this.#row];
    this.#row++;
    return true;
  }
}
