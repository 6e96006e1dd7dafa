/** Rows sorted by key in small frames on scratch, found by the first key of each frame. */
import { compareKeys } from "../../../base/compare.ts";
import { BicoastalError } from "../../../base/errors.ts";
import { checkKey } from "../../../base/hash.ts";
import type { ScratchFile } from "../../../ports/scratch.ts";
import type { EngineEnvironment } from "../../environment.ts";
import { ByteWriter } from "../block/byte-writer.ts";
import { decodeFrame, encodeFrame, type FrameExtent, type FrameRows } from "../block/frame.ts";
import { FRAME_ROWS, FrameBuffer } from "../block/frame-buffer.ts";
import { valueRoom } from "../block/value-room.ts";
import type { Cursor } from "../runs/cursor.ts";
import type { BroadcastTable } from "./broadcast-table.ts";

/** Small, because one row is looked for in it. */
const FRAME_BYTES = 4096;
const FRAMES_KEPT_MIN = 2;
/** Decoded rows take several times what is estimated of them as they are written. */
const KEPT_PART = 1 / 4;

export interface SortedFileOptions {
  readonly env: EngineEnvironment;
  readonly memoryBytes: number;
  readonly checkpoint?: (() => void) | undefined;
}

export class SortedFile implements BroadcastTable {
  readonly inMemory = false;
  readonly #file: ScratchFile;
  readonly #env: EngineEnvironment;
  readonly #frames: FrameExtent[] = [];
  /** By frame. */
  readonly #firstKeys: unknown[] = [];
  /** The frames used last, in the order of their use. */
  readonly #kept = new Map<number, FrameRows>();
  readonly #keptMax: number;
  #key: unknown;

  private constructor({ env, memoryBytes }: SortedFileOptions) {
    this.#env = env;
    this.#file = env.scratch.create();
    this.#keptMax = Math.max(FRAMES_KEPT_MIN, Math.floor((memoryBytes * KEPT_PART) / FRAME_BYTES));
  }

  /** Writes the rows of a sorted cursor. Throws DISK_FULL, VALUE_UNENCODABLE. */
  static write(rows: Cursor, options: SortedFileOptions): SortedFile {
    const made = new SortedFile(options);
    try {
      made.#write(rows, options);
      return made;
    } catch (error) {
      made.dispose();
      throw error;
    }
  }

  find(key: unknown): number {
    checkKey(key);
    this.#key = key;
    // The key may begin at the end of the frame before the first that begins with it.
    const frame = Math.max(0, lowerBound(this.#firstKeys, key) - 1);
    const row = lowerBound(this.#rowsOf(frame).keys, key);
    return this.#at(frame, row);
  }

  following(row: number): number {
    return this.#at(Math.floor(row / FRAME_ROWS), (row % FRAME_ROWS) + 1);
  }

  valueAt(row: number): unknown {
    return this.#rowsOf(Math.floor(row / FRAME_ROWS)).values[row % FRAME_ROWS];
  }

  dispose(): void {
    this.#kept.clear();
    this.#file.dispose();
  }

  /** The row's number, where it is one of the key that is looked for. */
  #at(inFrame: number, inRow: number): number {
    const past = inRow >= this.#rowsOf(inFrame).keys.length;
    const frame = past ? inFrame + 1 : inFrame;
    const row = past ? 0 : inRow;
    if (frame >= this.#frames.length) return -1;
    return compareKeys(this.#rowsOf(frame).keys[row], this.#key) === 0 ? frame * FRAME_ROWS + row : -1;
  }

  #rowsOf(frame: number): FrameRows {
    const known = this.#kept.get(frame);
    if (known !== undefined) {
      this.#kept.delete(frame);
      this.#kept.set(frame, known);
      return known;
    }
    const rows = this.#read(this.#frames[frame] as FrameExtent);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size >= this.#keptMax) this.#kept.delete(oldest);
    this.#kept.set(frame, rows);
    return rows;
  }

  #read(extent: FrameExtent): FrameRows {
    const bytes = valueRoom.take(extent.bytes);
    this.#file.readAt(extent.offset, bytes);
    try {
      return decodeFrame(bytes, extent, this.#env.crc32, { codec: this.#env.codec, own: "all" });
    } catch (error) {
      throw new BicoastalError(
        "BLOB_CORRUPT",
        "What a task wrote to its scratch directory came back damaged. The task is tried again; if this repeats, check the disk.",
        { retryable: true, cause: error },
      );
    }
  }

  #write(rows: Cursor, { env, checkpoint }: SortedFileOptions): void {
    const encoded = new ByteWriter(FRAME_BYTES);
    const buffer = new FrameBuffer(FRAME_BYTES);
    const flush = (): void => {
      checkpoint?.();
      const crc = encodeFrame(encoded, buffer.keys, buffer.values, env);
      const bytes = encoded.written();
      this.#firstKeys.push(buffer.keys[0]);
      const offset = this.#file.append(bytes);
      this.#frames.push({ offset, bytes: bytes.length, rows: buffer.values.length, crc });
      buffer.clear();
    };
    while (rows.next()) {
      buffer.addPair(rows.key, rows.value);
      if (buffer.isFull) flush();
    }
    if (!buffer.isEmpty) flush();
  }
}

/** The first of the sorted keys that does not come before this one. */
function lowerBound(keys: readonly unknown[], key: unknown): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
