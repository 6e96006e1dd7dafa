/**
 * The block of a task attempt: one immutable blob with the output of all its shuffle and collect sinks.
 *
 *     head, 16 bytes: magic · u32 version · u32 0
 *     frames (frame.ts), in any order, each followed by zeros up to a multiple of 8 bytes
 *     index: u32 0, where else a frame's content stands · u32 lists; for each list: u32 sink · u32 partition · u32 frames;
 *            for each of its frames: u53 offset · u32 bytes · u32 bytes if it were not compressed · u32 rows · u32 CRC
 *     trailer, 32 bytes: magic · u32 version · u53 index offset · u32 index bytes · u32 CRC of the index · u32 CRC of the trailer before it
 *
 * Invariants: lists ascend by (sink, partition) and none is empty; the frames of a list are in the order of their
 * rows. The index holds the CRC of each frame, and `BlockRef.checksum` is the CRC of the index: whoever verified
 * it, and each frame read, has read exactly what the driver's log recorded, or fails with BLOB_CORRUPT. Who reads from
 * the beginning instead, as the bytes arrive, has a CRC with each frame, and the index at the end to compare with.
 *
 * Head and trailer keep their size, magic and CRC in every version, so that each can tell which one it is.
 */
import { BicoastalError } from "../../../base/errors.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { FrameExtent } from "./frame.ts";

const BLOCK_VERSION = 3;
export const TRAILER_BYTES = 32;
const MAGIC = Buffer.from("BICOBLK\n", "latin1");
export const BLOCK_HEAD: Uint8Array = Buffer.concat([
  MAGIC,
  Uint8Array.of(BLOCK_VERSION, 0, 0, 0, 0, 0, 0, 0),
]);

/** A frame of a block. */
export interface BlockFrame extends FrameExtent {
  /** What it takes in memory: as `bytes`, where it is not compressed. */
  readonly plainBytes: number;
}

/** The frames of one partition of one sink. */
export interface FrameList {
  readonly sink: number;
  readonly partition: number;
  readonly frames: readonly BlockFrame[];
}

export interface BlockTrailer {
  readonly indexOffset: number;
  readonly indexBytes: number;
  readonly indexCrc: number;
}

export function encodeIndex(to: ByteWriter, lists: readonly FrameList[]): void {
  to.u32(0);
  to.u32(lists.length);
  for (const { sink, partition, frames } of lists) {
    to.u32(sink);
    to.u32(partition);
    to.u32(frames.length);
    for (const frame of frames) {
      to.u53(frame.offset);
      to.u32(frame.bytes);
      to.u32(frame.plainBytes);
      to.u32(frame.rows);
      to.u32(frame.crc);
    }
  }
}

/** Throws where it is not an index; its CRC has been checked before. */
export function decodeIndex(bytes: Uint8Array): FrameList[] {
  const from = new ByteReader(bytes);
  if (from.u32() !== 0) throw new RangeError("its index does not begin as one");
  const count = from.u32();
  const lists: FrameList[] = [];
  for (let i = 0; i < count; i++) {
    const sink = from.u32();
    const partition = from.u32();
    const length = from.u32();
    const frames: BlockFrame[] = [];
    for (let j = 0; j < length; j++) {
      const offset = from.u53();
      frames.push({
        offset,
        bytes: from.u32(),
        plainBytes: from.u32(),
        rows: from.u32(),
        crc: from.u32(),
      });
    }
    lists.push({ sink, partition, frames });
  }
  if (from.position !== bytes.length) throw new RangeError("bytes are left over");
  return lists;
}

/** Writes the trailer but for its own CRC, which the caller adds. */
export function encodeTrailer(to: ByteWriter, trailer: BlockTrailer): void {
  to.append(MAGIC);
  to.u32(BLOCK_VERSION);
  to.u53(trailer.indexOffset);
  to.u32(trailer.indexBytes);
  to.u32(trailer.indexCrc);
}

/** Throws where it is not a trailer, and BLOB_CORRUPT where it is one of another version. */
export function decodeTrailer(bytes: Uint8Array, crc: number, key: string): BlockTrailer {
  const from = new ByteReader(bytes);
  if (!from.slice(MAGIC.length).equals(MAGIC)) throw new RangeError("it does not end as a block does");
  const version = from.u32();
  const trailer = { indexOffset: from.u53(), indexBytes: from.u32(), indexCrc: from.u32() };
  if (from.u32() !== crc) throw new RangeError("the checksum of its trailer does not match");
  if (version !== BLOCK_VERSION) throw blockOfVersion(key, version);
  return trailer;
}

/** Nothing is wrong with it, but what is to be done is the same as if there were: make it again. */
function blockOfVersion(key: string, version: number): BicoastalError {
  const who = version > BLOCK_VERSION ? "a newer" : "an older";
  return new BicoastalError(
    "BLOB_CORRUPT",
    `The block ${key} was written by ${who} release, in version ${version} of the format, and this release reads version ${BLOCK_VERSION}. ` +
      "It is made again from its input; to keep it, go on with the release that wrote it.",
    { details: { key, version, versionKnown: BLOCK_VERSION }, retryable: true },
  );
}

export function blockCorrupt(key: string, what: string, cause?: unknown): BicoastalError {
  return new BicoastalError(
    "BLOB_CORRUPT",
    `The block ${key} is damaged: ${what}. It is made again from its input; if this repeats, check the disk.`,
    { details: { key }, retryable: true, ...(cause === undefined ? {} : { cause }) },
  );
}
