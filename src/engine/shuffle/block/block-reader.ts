import { BicoastalError } from "../../../base/errors.ts";
import type { BlockRef } from "../../../plan/task.ts";
import type { BlobReader, BlobStore } from "../../../ports/blob-store.ts";
import type { Crc32 } from "../../../ports/codec.ts";
import type { Lz4 } from "../../../ports/lz4.ts";
import {
  type BlockFrame,
  blockCorrupt,
  decodeIndex,
  decodeTrailer,
  type FrameList,
  TRAILER_BYTES,
} from "./block-format.ts";
import type { DecodeOptions, OwnStrings } from "./column-decode.ts";
import {
  decodeBytesFrame,
  decodeFrame,
  decodeFrameColumns,
  decodeFrameNested,
  type FrameCodec,
  type FrameColumns,
  type FrameExtent,
  type FrameRows,
  type NestedColumns,
} from "./frame.ts";
import { type Room, valueRoom } from "./value-room.ts";

export interface BlockReaderOptions extends FrameCodec {
  readonly blobs: BlobStore;
  /** Without it, blocks with compressed frames cannot be read. */
  readonly lz4?: Lz4 | undefined;
}

/** Room for a frame at a time that is read as bytes: a fresh array for each keeps the garbage collector busy. */
export class FrameRoom implements Room {
  #bytes = new Uint8Array(0);

  take(bytes: number): Uint8Array {
    if (bytes > this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(bytes * FRAME_ROOM));
    return this.#bytes.subarray(0, bytes);
  }
}

/** Frames of one list differ little. */
const FRAME_ROOM = 1.25;

/** An open block whose index has been verified against its `BlockRef`; each frame is verified when it is read. */
export class BlockReader {
  readonly key: string;
  /** Bytes read so far. */
  bytesRead = 0;
  readonly #options: BlockReaderOptions;
  readonly #blob: BlobReader;
  #lists: readonly FrameList[] = [];

  private constructor(ref: BlockRef, blob: BlobReader, options: BlockReaderOptions) {
    this.key = ref.key;
    this.#options = options;
    this.#blob = blob;
  }

  /** Throws BLOB_MISSING and BLOB_CORRUPT, both with `details.key`. */
  static async open(ref: BlockRef, options: BlockReaderOptions): Promise<BlockReader> {
    const blob = await openBlob(ref, options.blobs);
    try {
      const block = new BlockReader(ref, blob, options);
      await block.#loadIndex(ref);
      return block;
    } catch (error) {
      blob.close();
      throw error;
    }
  }

  /** Frames of one partition of one sink, in the order of their rows; none where nothing was written. */
  frames(sink: number, partition: number): readonly BlockFrame[] {
    return this.#lists.find((list) => list.sink === sink && list.partition === partition)?.frames ?? [];
  }

  /** Frames are read only after they were prepared, all those of a list at a time. Throws BLOB_CORRUPT, PEER_UNREACHABLE. */
  prepare(extents: readonly FrameExtent[]): Promise<void> {
    return this.#blob.prepare(extents);
  }

  /** Throws BLOB_CORRUPT. `own`: see `OwnStrings`. */
  read(extent: FrameExtent, own: OwnStrings = "none"): FrameRows {
    return this.#decode(extent, own, decodeFrame, valueRoom);
  }

  /**
   * The same frame as columns: texts as bytes, numbers as typed arrays, the rest as values. They stay valid, and keep
   * the frame's bytes in memory as long as they are held. Throws BLOB_CORRUPT.
   */
  readColumns(extent: FrameExtent, own: OwnStrings = "none"): FrameColumns {
    return this.#decode(extent, own, decodeFrameColumns);
  }

  /** The same, and what is inside of records and arrays in columns too. Throws BLOB_CORRUPT. */
  readNested(extent: FrameExtent, own: OwnStrings = "none"): NestedColumns {
    return this.#decode(extent, own, decodeFrameNested);
  }

  /**
   * What a sink wrote with `appendBytes`, in the room that is given: valid until that is used again. Throws
   * BLOB_CORRUPT.
   */
  readBytes(extent: FrameExtent, room: Room): Uint8Array {
    return this.#decode(extent, "none", decodeBytesFrame, room);
  }

  close(): void {
    this.#blob.close();
  }

  #decode<T>(
    extent: FrameExtent,
    own: OwnStrings,
    decode: (frame: Uint8Array, extent: FrameExtent, crc32: Crc32, options: DecodeOptions) => T,
    room?: Room,
  ): T {
    const bytes = this.#readBytes(extent.offset, extent.bytes, room);
    const { codec, crc32, lz4 } = this.#options;
    try {
      return decode(bytes, extent, room?.fasterCrc?.(crc32) ?? crc32, { codec, own, lz4 });
    } catch (error) {
      const what = `the frame at byte ${extent.offset} cannot be read, ${reason(error)}`;
      throw blockCorrupt(this.key, what, error);
    }
  }

  async #loadIndex(ref: BlockRef): Promise<void> {
    const { crc32 } = this.#options;
    const size = this.#blob.bytes;
    if (size !== ref.bytes || size < TRAILER_BYTES) {
      throw blockCorrupt(this.key, `it has ${size} bytes instead of ${ref.bytes}`);
    }
    try {
      const tail = this.#readBytes(size - TRAILER_BYTES, TRAILER_BYTES);
      const trailer = decodeTrailer(tail, crc32(tail.subarray(0, TRAILER_BYTES - 4)), this.key);
      if (trailer.indexOffset + trailer.indexBytes !== size - TRAILER_BYTES) {
        throw new RangeError("its index is not where it says");
      }
      await this.#blob.prepare([{ offset: trailer.indexOffset, bytes: trailer.indexBytes }]);
      const index = this.#readBytes(trailer.indexOffset, trailer.indexBytes);
      if (trailer.indexCrc !== ref.checksum || crc32(index) !== ref.checksum) {
        throw new RangeError("the checksum of its index does not match");
      }
      this.#lists = decodeIndex(index);
    } catch (error) {
      throw error instanceof BicoastalError ? error : blockCorrupt(this.key, reason(error), error);
    }
  }

  #readBytes(offset: number, bytes: number, room?: Room): Uint8Array {
    // The blob's size bounds the room made for a length that may be nonsense.
    if (offset < 0 || offset + bytes > this.#blob.bytes) {
      throw blockCorrupt(this.key, `bytes ${offset} to ${offset + bytes} lie outside`);
    }
    const target = room?.take(bytes) ?? new Uint8Array(bytes);
    if (this.#blob.readAt(offset, target) !== bytes) throw blockCorrupt(this.key, "it is cut off");
    this.bytesRead += bytes;
    return target;
  }
}

async function openBlob({ key, node }: BlockRef, blobs: BlobStore): Promise<BlobReader> {
  try {
    return await blobs.open(key, node);
  } catch (error) {
    // Whoever reports lost blocks goes by `details.key`, whatever store this is.
    if (error instanceof BicoastalError && error.code === "BLOB_MISSING" && error.details.key !== key) {
      throw new BicoastalError("BLOB_MISSING", error.message, {
        details: { ...error.details, key },
        retryable: true,
        cause: error,
      });
    }
    throw error;
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
