/**
 * One key's values of the right side, for each left value to meet all of them: in memory as far as they fit, the others
 * on scratch, read again each time. That is as many reads as rows that come out.
 */
import { BicoastalError } from "../../../base/errors.ts";
import type { ScratchFile } from "../../../ports/scratch.ts";
import type { EngineEnvironment } from "../../environment.ts";
import { ByteWriter } from "../block/byte-writer.ts";
import { decodeFrame, encodeFrame, type FrameExtent } from "../block/frame.ts";
import { FrameBuffer } from "../block/frame-buffer.ts";
import { valueRoom } from "../block/value-room.ts";
import { estimateBytes } from "../estimate.ts";

const SLOT_BYTES = 16;
const FRAME_BYTES_MAX = 128 * 1024;
const FRAME_PART = 1 / 8;

export interface SpooledRowsOptions {
  readonly env: EngineEnvironment;
  readonly memoryBytes: number;
  readonly checkpoint?: (() => void) | undefined;
}

export class SpooledRows {
  readonly #options: SpooledRowsOptions;
  readonly #inMemory: unknown[] = [];
  #bytes = 0;
  readonly #buffer: FrameBuffer;
  readonly #frames: FrameExtent[] = [];
  readonly #encoded = new ByteWriter(1024);
  #file: ScratchFile | undefined;

  constructor(options: SpooledRowsOptions) {
    this.#options = options;
    this.#buffer = new FrameBuffer(Math.max(1, Math.min(FRAME_BYTES_MAX, options.memoryBytes * FRAME_PART)));
  }

  /** The value must be safe to keep. */
  add(value: unknown): void {
    if (this.#bytes < this.#options.memoryBytes) {
      this.#bytes += SLOT_BYTES + estimateBytes(value);
      this.#inMemory.push(value);
      return;
    }
    this.#buffer.addRow(value);
    if (this.#buffer.isFull) this.#flush();
  }

  /** No more are added: they are read, as often as wanted, in lots. */
  *lots(): Generator<readonly unknown[], void> {
    if (!this.#buffer.isEmpty && this.#frames.length > 0) this.#flush();
    yield this.#inMemory;
    for (const extent of this.#frames) yield this.#read(extent);
    if (!this.#buffer.isEmpty) yield this.#buffer.values;
  }

  /** Forgets all rows. */
  clear(): void {
    this.#inMemory.length = 0;
    this.#bytes = 0;
    this.#frames.length = 0;
    this.#buffer.clear();
    this.#file?.dispose();
    this.#file = undefined;
  }

  #flush(): void {
    const { env, checkpoint } = this.#options;
    checkpoint?.();
    this.#file ??= env.scratch.create();
    const crc = encodeFrame(this.#encoded, undefined, this.#buffer.values, env);
    const bytes = this.#encoded.written();
    const rows = this.#buffer.values.length;
    this.#frames.push({ offset: this.#file.append(bytes), bytes: bytes.length, rows, crc });
    this.#buffer.clear();
  }

  #read(extent: FrameExtent): readonly unknown[] {
    const { env, checkpoint } = this.#options;
    checkpoint?.();
    const bytes = valueRoom.take(extent.bytes);
    this.#file?.readAt(extent.offset, bytes);
    try {
      return decodeFrame(bytes, extent, env.crc32, { codec: env.codec, own: "none" }).values;
    } catch (error) {
      throw new BicoastalError(
        "BLOB_CORRUPT",
        "What a task wrote to its scratch directory came back damaged. The task is tried again; if this repeats, check the disk.",
        { retryable: true, cause: error },
      );
    }
  }
}
