/**
 * Sorted runs on scratch, and merging them with a bounded number open at a time.
 *
 * Invariant: runs are merged with their neighbours only, and a merge keeps the order of equal keys, so however many
 * passes it takes, equal keys come in the order in which their runs were made.
 */
import { BicoastalError } from "../../../base/errors.ts";
import type { ScratchFile } from "../../../ports/scratch.ts";
import type { EngineEnvironment } from "../../environment.ts";
import { ByteWriter } from "../block/byte-writer.ts";
import { decodeFrame, encodeFrame, type FrameExtent } from "../block/frame.ts";
import { FRAME_BYTES, FrameBuffer } from "../block/frame-buffer.ts";
import { valueRoom } from "../block/value-room.ts";
import { type Cursor, FrameCursor } from "./cursor.ts";
import { type KeyOrder, MergeCursor } from "./merge.ts";

const RUN_FRAME_BYTES_MIN = 512;
/** A frame of each run is in memory while runs are merged; this part of the budget is theirs. */
const RUN_FRAMES_IN_BUDGET = 32;
const FAN_IN_MIN = 2;
/** Also bounds open files where runs are read from blocks. */
export const FAN_IN_MAX = 128;

export interface Run {
  readonly file: ScratchFile;
  readonly frames: readonly FrameExtent[];
}

export interface RunStoreOptions {
  readonly env: EngineEnvironment;
  readonly memoryBytes: number;
  readonly order: KeyOrder;
  /** Called for every frame that is read or written; may throw. */
  readonly checkpoint?: (() => void) | undefined;
}

/** How many sources of frames of this size may be open at a time. */
export const fanInFor = (memoryBytes: number, frameBytes: number): number =>
  Math.max(FAN_IN_MIN, Math.min(FAN_IN_MAX, Math.floor(memoryBytes / (2 * frameBytes))));

export class RunStore {
  readonly #env: EngineEnvironment;
  readonly #order: KeyOrder;
  readonly #checkpoint: (() => void) | undefined;
  readonly #frameBytes: number;
  readonly #fanIn: number;
  readonly #encoded = new ByteWriter(1024);
  /** One for what is spilled, and one for each pass of merging. */
  readonly #files = new Set<ScratchFile>();
  #spills: ScratchFile | undefined;
  #runs: Run[] = [];

  constructor({ env, memoryBytes, order, checkpoint }: RunStoreOptions) {
    this.#env = env;
    this.#order = order;
    this.#checkpoint = checkpoint;
    const frameBytes = Math.floor(memoryBytes / RUN_FRAMES_IN_BUDGET);
    this.#frameBytes = Math.max(RUN_FRAME_BYTES_MIN, Math.min(FRAME_BYTES, frameBytes));
    this.#fanIn = fanInFor(memoryBytes, this.#frameBytes);
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** Writes the rows of a sorted cursor as the next run. Throws DISK_FULL, VALUE_UNENCODABLE. */
  spill(rows: Cursor): void {
    this.#spills ??= this.#createFile();
    this.#runs.push(this.#write(rows, this.#spills));
  }

  /** All rows of all runs, sorted. No more can be spilled. */
  merged(): Cursor {
    while (this.#runs.length > this.#fanIn) this.#mergePass();
    return new MergeCursor(
      this.#runs.map((run) => this.#open(run)),
      this.#order,
    );
  }

  dispose(): void {
    for (const file of this.#files) file.dispose();
    this.#files.clear();
    this.#runs = [];
  }

  #mergePass(): void {
    const old = [...this.#files];
    const file = this.#createFile();
    const merged: Run[] = [];
    for (let first = 0; first < this.#runs.length; first += this.#fanIn) {
      const cursors = this.#runs.slice(first, first + this.#fanIn).map((run) => this.#open(run));
      merged.push(this.#write(new MergeCursor(cursors, this.#order), file));
    }
    this.#runs = merged;
    for (const done of old) {
      done.dispose();
      this.#files.delete(done);
    }
  }

  #createFile(): ScratchFile {
    const file = this.#env.scratch.create();
    this.#files.add(file);
    return file;
  }

  #write(rows: Cursor, file: ScratchFile): Run {
    const frames: FrameExtent[] = [];
    const buffer = new FrameBuffer(this.#frameBytes);
    const flush = (): void => {
      this.#checkpoint?.();
      const crc = encodeFrame(this.#encoded, buffer.keys, buffer.values, this.#env);
      const bytes = this.#encoded.written();
      frames.push({ offset: file.append(bytes), bytes: bytes.length, rows: buffer.values.length, crc });
      buffer.clear();
    };
    while (rows.next()) {
      buffer.addPair(rows.key, rows.value);
      if (buffer.isFull) flush();
    }
    if (!buffer.isEmpty) flush();
    return { file, frames };
  }

  #open({ file, frames }: Run): Cursor {
    const { codec, crc32 } = this.#env;
    return new FrameCursor(frames, (extent) => {
      this.#checkpoint?.();
      const bytes = valueRoom.take(extent.bytes);
      file.readAt(extent.offset, bytes);
      try {
        return decodeFrame(bytes, extent, crc32, { codec, own: "none" });
      } catch (error) {
        throw new BicoastalError(
          "BLOB_CORRUPT",
          "What a task wrote to its scratch directory came back damaged. The task is tried again; if this repeats, check the disk.",
          { retryable: true, cause: error },
        );
      }
    });
  }
}
