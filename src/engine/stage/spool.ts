/**
 * Where the records before a mapPartitions wait: its function is synchronous and sees the whole partition, while
 * the input of a task may have to be waited for.
 *
 * Records are always encoded, in small chunks, also while they still fit in memory: so what the function sees does
 * not depend on the memory budget, the bytes kept are known exactly, and a slice of a line does not hold on to the
 * chunk it was cut from. Chunks beyond the budget go to scratch.
 */
import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import { ByteWriter } from "../shuffle/block/byte-writer.ts";
import { decodeFrame, encodeFrame, type FrameCodec, type FrameExtent } from "../shuffle/block/frame.ts";
import { valueRoom } from "../shuffle/block/value-room.ts";
import { estimateBytes } from "../shuffle/estimate.ts";
import { settled } from "../shuffle/group/group.ts";

const CHUNK_ROWS_MAX = 1024;
const CHUNK_BYTES = 256 * 1024;
/** Of the budget: the buffers of the task before lie about until V8 collects them, which it is in no hurry to do. */
const KEPT_PART = 0.4;

/** `kept` undefined: it lies in the scratch file, at `offset`. */
interface Chunk extends FrameExtent {
  readonly kept: Uint8Array | undefined;
}

export interface SpoolOptions extends FrameCodec {
  readonly scratch: Scratch;
  readonly memoryBytes: number;
  /** Called before each chunk is read back; may throw to end the task. */
  readonly beforeChunk: () => void;
}

export class Spool implements Iterable<unknown> {
  readonly #options: SpoolOptions;
  readonly #chunks: Chunk[] = [];
  readonly #frame = new ByteWriter();
  #rows: unknown[] = [];
  /** A guess at the size of `#rows` when encoded; it only decides where chunks end. */
  #rowBytes = 0;
  #keptBytes = 0;
  #file: ScratchFile | undefined;
  #state: "filling" | "readable" | "disposed" = "filling";
  /** The record read last, to name it when the function that reads fails. */
  lastRead: unknown;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  push(row: unknown): void {
    const kept = settled(row);
    this.#rows.push(kept);
    this.#rowBytes += estimateBytes(kept);
    if (this.#rows.length >= CHUNK_ROWS_MAX || this.#rowBytes >= CHUNK_BYTES) this.#flush();
  }

  /** Ends the filling; from here on it can be read, as often as wanted. */
  seal(): void {
    assert(this.#state === "filling", "a spool is sealed once");
    if (this.#rows.length > 0) this.#flush();
    this.#state = "readable";
  }

  [Symbol.iterator](): Iterator<unknown> {
    return new SpoolIterator(this);
  }

  /** The rows of one chunk, in order; undefined after the last. */
  chunk(index: number): readonly unknown[] | undefined {
    if (this.#state !== "readable") {
      throw new BicoastalError(
        "GROUP_CONSUMED",
        "The records given to mapPartitions were read after its results had ended. Read them inside the function, or copy them into an array.",
      );
    }
    const chunk = this.#chunks[index];
    if (chunk === undefined) return undefined;
    const { codec, crc32, beforeChunk } = this.#options;
    beforeChunk();
    try {
      return decodeFrame(chunk.kept ?? this.#readBack(chunk), chunk, crc32, { codec, own: "all" }).values;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new BicoastalError("BLOB_CORRUPT", `A scratch file is damaged: ${error.message}.`, {
        retryable: true,
      });
    }
  }

  dispose(): void {
    this.#state = "disposed";
    this.#chunks.length = 0;
    this.#rows = [];
    this.lastRead = undefined;
    this.#file?.dispose();
    this.#file = undefined;
  }

  #flush(): void {
    const rows = this.#rows.length;
    const crc = encodeFrame(this.#frame, undefined, this.#rows, this.#options);
    const frame = this.#frame.written();
    this.#rows = [];
    this.#rowBytes = 0;
    if (this.#file === undefined && this.#keptBytes + frame.length <= this.#options.memoryBytes * KEPT_PART) {
      this.#keptBytes += frame.length;
      this.#chunks.push({ offset: 0, bytes: frame.length, rows, crc, kept: new Uint8Array(frame) });
      return;
    }
    this.#file ??= this.#options.scratch.create();
    const offset = this.#file.append(frame);
    this.#chunks.push({ offset, bytes: frame.length, rows, crc, kept: undefined });
  }

  #readBack({ offset, bytes }: Chunk): Uint8Array {
    const frame = valueRoom.take(bytes);
    const read = this.#file?.readAt(offset, frame);
    return frame.subarray(0, read);
  }
}

class SpoolIterator implements Iterator<unknown> {
  readonly #spool: Spool;
  #rows: readonly unknown[] | undefined = [];
  #chunk = 0;
  #row = 0;

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  next(): IteratorResult<unknown, undefined> {
    if (this.#rows !== undefined && this.#row >= this.#rows.length) {
      this.#rows = this.#spool.chunk(this.#chunk++);
      this.#row = 0;
    }
    if (this.#rows === undefined) return { done: true, value: undefined };
    const value = this.#rows[this.#row++];
    this.#spool.lastRead = value;
    return { done: false, value };
  }

  return(): IteratorResult<unknown, undefined> {
    this.#rows = undefined;
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }
}
