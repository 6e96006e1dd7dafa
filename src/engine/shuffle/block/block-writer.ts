import { assert } from "../../../base/assert.ts";
import type { BlockRef } from "../../../plan/task.ts";
import type { BlobStore, BlobWriter } from "../../../ports/blob-store.ts";
import type { Crc32 } from "../../../ports/codec.ts";
import type { Lz4 } from "../../../ports/lz4.ts";
import { BLOCK_HEAD, type BlockFrame, encodeIndex, encodeTrailer, type FrameList } from "./block-format.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type ColumnSource, rowsOf } from "./column.ts";
import {
  encodeBytesFrame,
  encodeFrame,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  type FrameCodec,
  type FramePlace,
  plainBytesOf,
  sealBytesFrame,
} from "./frame.ts";
import { FrameCompression } from "./frame-compression.ts";

export interface BlockWriterOptions extends FrameCodec {
  readonly blobs: BlobStore;
  /** Unique to the attempt. */
  readonly key: string;
  /** Frames are compressed where that saves enough. Default: never. */
  readonly compressWith?: Lz4 | undefined;
}

/** Rows in a layout of the sink's own, in memory that has room for what makes a frame of them. */
export interface PlacedFrame {
  readonly rows: number;
  /** FRAME_HEADER_BYTES to be filled, the body, and as many to be filled as align the next frame. */
  readonly room: Buffer;
  /** Of header and body. */
  readonly bytes: number;
  /** A faster way to the same checksum, for what lies there. */
  readonly fasterCrc?: (crc32: Crc32) => Crc32;
}

/** Room for the index at first. */
const INDEX_BYTES = 4 * 1024;

/** Writes the one block of an attempt, frame by frame, for all its sinks. Where there is no frame, there is no block. */
export class BlockWriter {
  readonly key: string;
  readonly #options: BlockWriterOptions;
  /** Made with the first frame. */
  #blob: BlobWriter | undefined;
  /** Made with the first frame, because its room is not small. */
  #room: ByteWriter | undefined;
  /** Made with the first frame. */
  #lists: Map<string, { sink: number; partition: number; frames: BlockFrame[] }> | undefined;
  readonly #compression: FrameCompression | undefined;
  #done = false;

  constructor(options: BlockWriterOptions) {
    this.key = options.key;
    this.#options = options;
    const { compressWith } = options;
    this.#compression = compressWith === undefined ? undefined : new FrameCompression(compressWith);
  }

  /** Whether it has no frame yet. */
  get isEmpty(): boolean {
    return this.#blob === undefined;
  }

  /** Bytes written so far. */
  get bytes(): number {
    return this.#blob?.bytes ?? 0;
  }

  /**
   * Appends a frame of rows; `keys` undefined for rows without keys. Texts and numbers that are there as bytes and
   * typed arrays need not become strings and arrays first. Throws VALUE_UNENCODABLE, DISK_FULL.
   */
  append(sink: number, partition: number, keys: ColumnSource | undefined, values: ColumnSource): void {
    assert(!this.#done, "a finished block takes no more frames");
    const place = { sink, partition };
    this.#add(
      place,
      rowsOf(values),
      encodeFrame(this.#frame, keys, values, this.#options, place, this.#compression),
    );
  }

  get #frame(): ByteWriter {
    this.#room ??= new ByteWriter();
    return this.#room;
  }

  /** Appends a frame of rows in a layout of the sink's own. Throws DISK_FULL. */
  appendBytes(sink: number, partition: number, rows: number, body: Uint8Array): void {
    assert(!this.#done, "a finished block takes no more frames");
    const place = { sink, partition };
    const { crc32 } = this.#options;
    this.#add(place, rows, encodeBytesFrame(this.#frame, rows, body, crc32, place, this.#compression));
  }

  /** The same for a frame that is written from where its body is, unless it is compressed. Throws DISK_FULL. */
  appendInPlace(sink: number, partition: number, { rows, room, bytes, fasterCrc }: PlacedFrame): void {
    if (this.#compression !== undefined) {
      return this.appendBytes(sink, partition, rows, room.subarray(FRAME_HEADER_BYTES, bytes));
    }
    assert(!this.#done, "a finished block takes no more frames");
    assert(room.length % FRAME_ALIGNMENT === 0, "the next frame is aligned where this one is");
    const place = { sink, partition };
    const { crc32 } = this.#options;
    const crc = sealBytesFrame(room.subarray(0, bytes), rows, fasterCrc?.(crc32) ?? crc32, place);
    room.fill(0, bytes);
    this.#write(place, { bytes, plainBytes: bytes, rows, crc }, room);
  }

  /** Writes index and trailer and makes the block visible. Undefined where it would hold no row. */
  async finish(): Promise<BlockRef | undefined> {
    assert(!this.#done, "a block is finished once");
    this.#done = true;
    const blob = this.#blob;
    if (blob === undefined) return undefined;
    const { crc32 } = this.#options;
    const lists: FrameList[] = [...(this.#lists?.values() ?? [])];
    lists.sort((a, b) => a.sink - b.sink || a.partition - b.partition);
    const to = new ByteWriter(INDEX_BYTES);
    encodeIndex(to, lists);
    const indexBytes = to.length;
    const indexCrc = crc32(to.written());
    encodeTrailer(to, { indexOffset: blob.bytes, indexBytes, indexCrc });
    to.u32(crc32(to.written().subarray(indexBytes)));
    blob.append(to.written());
    const bytes = blob.bytes;
    await blob.commit();
    return { key: this.key, bytes, checksum: indexCrc };
  }

  /** Leaves nothing behind. Harmless after `finish`. */
  abort(): void {
    this.#done = true;
    this.#blob?.abort();
  }

  #add(place: FramePlace, rows: number, crc: number): void {
    const bytes = this.#frame.length;
    const plainBytes = plainBytesOf(this.#frame);
    // The next frame is aligned where this one is.
    this.#frame.reserveAligned(FRAME_ALIGNMENT, 0);
    this.#write(place, { bytes, plainBytes, rows, crc }, this.#frame.written());
  }

  #write({ sink, partition }: FramePlace, frame: Omit<BlockFrame, "offset">, aligned: Buffer): void {
    this.#blob ??= this.#create();
    const extent = { offset: this.#blob.bytes, ...frame };
    this.#blob.append(aligned);
    const name = `${sink}/${partition}`;
    this.#lists ??= new Map();
    const list = this.#lists.get(name);
    if (list === undefined) this.#lists.set(name, { sink, partition, frames: [extent] });
    else list.frames.push(extent);
  }

  #create(): BlobWriter {
    const blob = this.#options.blobs.create(this.key);
    blob.append(BLOCK_HEAD);
    return blob;
  }
}
