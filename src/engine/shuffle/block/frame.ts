/**
 * A frame: some rows, encoded together. The unit of reading, verifying and spilling. 32 bytes, then the body:
 *
 *     u8 content (1 rows, 2 pairs, 3 a layout of the sink's own) · u8 form of the body (0 as it is, 1 an LZ4 block) · u16 0
 *     u32 rows · u32 body bytes · u32 body bytes before they were compressed · u32 sink · u32 partition
 *     u32 CRC-32 of the 24 bytes before it and the body · u32 0
 *
 * A body is one column of rows, or a column of keys and one of values (column-layout.ts). A frame says itself what it
 * is and whose, so that whoever gets a block byte by byte can check and use each as soon as it is there. On scratch,
 * where frames are nobody else's, sink and partition are 0.
 */
import { assert } from "../../../base/assert.ts";
import type { Crc32, ValueCodec } from "../../../ports/codec.ts";
import type { Lz4 } from "../../../ports/lz4.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { type Column, type ColumnSource, type NestedColumn, rowsOf } from "./column.ts";
import { ColumnDecoder, type DecodeOptions } from "./column-decode.ts";
import { ColumnEncoder } from "./column-encode.ts";
import { CELLS_MAX } from "./column-layout.ts";
import { COMPRESSED_PLAIN_BYTES_MAX, type FrameCompression } from "./frame-compression.ts";

const CONTENT_ROWS = 1;
const CONTENT_PAIRS = 2;
const CONTENT_BYTES = 3;
/** As it is. */
const FORM_PLAIN = 0;
/** The body as one LZ4 block. */
const FORM_LZ4 = 1;
/** Frames begin at multiples of this in a block, and columns at multiples of up to this in a frame. */
export const FRAME_ALIGNMENT = 8;
export const FRAME_HEADER_BYTES = 32;
const FORM_OFFSET = 1;
const BODY_BYTES_OFFSET = 8;
const PLAIN_BYTES_OFFSET = 12;
const CRC_OFFSET = 24;

/** So that two columns of values are never more than a frame may claim. */
const FRAME_ROWS_MAX = CELLS_MAX / 2;

/** Where a frame lies, and what it must be. */
export interface FrameExtent {
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  readonly crc: number;
}

/** For whom a frame is. */
export interface FramePlace {
  readonly sink: number;
  readonly partition: number;
}

const SCRATCH: FramePlace = { sink: 0, partition: 0 };

/** The first bytes of a frame, which nobody has verified yet. */
export interface FrameHeader extends FramePlace {
  readonly content: number;
  readonly rows: number;
  readonly form: number;
  /** As they are stored. */
  readonly bodyBytes: number;
  /** The same, where it is not compressed. */
  readonly plainBytes: number;
  readonly crc: number;
}

/** Bytes of a frame, header included, if it were not compressed. */
export const plainBytesOf = (frame: ByteWriter): number =>
  FRAME_HEADER_BYTES + frame.view.getUint32(PLAIN_BYTES_OFFSET, true);

export interface FrameCodec {
  readonly codec: ValueCodec;
  readonly crc32: Crc32;
}

/** Rows of a frame: `keys` is empty where the content is plain rows. */
export interface FrameRows {
  readonly keys: readonly unknown[];
  readonly values: readonly unknown[];
}

/** A frame's columns: `keys` undefined where the content is plain rows. */
export interface FrameColumns {
  readonly rows: number;
  readonly keys: Column | undefined;
  readonly values: Column;
}

/** The same, taken apart into the columns of records and arrays. */
export interface NestedColumns {
  readonly rows: number;
  readonly keys: Column | undefined;
  readonly values: NestedColumn;
}

/**
 * Replaces the content of `to` with a frame; `keys` undefined for plain rows, `compression` where it stays plain. Returns its
 * CRC. Throws VALUE_UNENCODABLE.
 */
export function encodeFrame(
  to: ByteWriter,
  keys: ColumnSource | undefined,
  values: ColumnSource,
  { codec, crc32 }: FrameCodec,
  place: FramePlace = SCRATCH,
  compression?: FrameCompression,
): number {
  const rows = rowsOf(values);
  assert(keys === undefined || rowsOf(keys) === rows, "every row has a key, or none");
  assert(rows <= FRAME_ROWS_MAX, "a frame has not too many rows");
  begin(to, keys === undefined ? CONTENT_ROWS : CONTENT_PAIRS, rows, place);
  const columns = new ColumnEncoder(to, codec);
  if (keys !== undefined) columns.add(keys);
  columns.add(values);
  return end(to, crc32, place.sink, compression);
}

/** The same for rows in a layout of the caller's own. */
export function encodeBytesFrame(
  to: ByteWriter,
  rows: number,
  body: Uint8Array,
  crc32: Crc32,
  place: FramePlace = SCRATCH,
  compression?: FrameCompression,
): number {
  begin(to, CONTENT_BYTES, rows, place);
  to.append(body);
  return end(to, crc32, place.sink, compression);
}

/** The same where the body stands in its place already, behind room for the header, and stays plain. Returns the CRC. */
export function sealBytesFrame(frame: Buffer, rows: number, crc32: Crc32, place: FramePlace): number {
  writeHeader(frame, CONTENT_BYTES, rows, place);
  return seal(frame, frame.length - FRAME_HEADER_BYTES, crc32);
}

function begin(to: ByteWriter, content: number, rows: number, place: FramePlace): void {
  to.clear();
  to.reserve(FRAME_HEADER_BYTES);
  writeHeader(to.bytes, content, rows, place);
}

/** Returns the frame's CRC, which is of what is stored. */
function end(to: ByteWriter, crc32: Crc32, sink: number, compression: FrameCompression | undefined): number {
  const plainBytes = to.length - FRAME_HEADER_BYTES;
  if (compression !== undefined) compress(to, sink, compression);
  return seal(to.written(), plainBytes, crc32);
}

/** All of it but what `compress` and `seal` add. */
function writeHeader(frame: Buffer, content: number, rows: number, place: FramePlace): void {
  assert(rows > 0, "a frame has rows");
  frame.fill(0, 0, FRAME_HEADER_BYTES);
  frame.writeUInt8(content, 0);
  frame.writeUInt8(FORM_PLAIN, FORM_OFFSET);
  frame.writeUInt32LE(rows, 4);
  frame.writeUInt32LE(place.sink, 16);
  frame.writeUInt32LE(place.partition, 20);
}

function seal(frame: Buffer, plainBytes: number, crc32: Crc32): number {
  frame.writeUInt32LE(frame.length - FRAME_HEADER_BYTES, BODY_BYTES_OFFSET);
  frame.writeUInt32LE(plainBytes, PLAIN_BYTES_OFFSET);
  const crc = crcOf(frame, crc32);
  frame.writeUInt32LE(crc, CRC_OFFSET);
  return crc;
}

function compress(to: ByteWriter, sink: number, compression: FrameCompression): void {
  const frame = to.written();
  const compressed = compression.compress(frame.subarray(FRAME_HEADER_BYTES), sink, frame[0] as number);
  if (compressed === undefined) return;
  to.rewind(FRAME_HEADER_BYTES);
  to.append(compressed);
  to.view.setUint8(FORM_OFFSET, FORM_LZ4);
}

/** Throws where the bytes are too few, or in a form that this version does not know. */
export function readFrameHeader(bytes: Uint8Array): FrameHeader {
  const from = new ByteReader(bytes);
  const content = from.u8();
  const form = from.u8();
  from.take(2);
  const rows = from.u32();
  const bodyBytes = from.u32();
  const plainBytes = from.u32();
  const place = { sink: from.u32(), partition: from.u32() };
  const crc = from.u32();
  const known =
    form === FORM_LZ4
      ? plainBytes <= COMPRESSED_PLAIN_BYTES_MAX
      : form === FORM_PLAIN && plainBytes === bodyBytes;
  if (!known || from.u32() !== 0) {
    throw new RangeError(`its body is in a form (${form}) that this release does not know`);
  }
  return { content, form, rows, bodyBytes, plainBytes, ...place, crc };
}

/** Throws where the bytes are not the frame that the extent says; the caller knows what to call that. */
export function decodeFrame(
  frame: Uint8Array,
  extent: FrameExtent,
  crc32: Crc32,
  options: DecodeOptions,
): FrameRows {
  const { from, content, rows } = openColumns(frame, extent, crc32, options.lz4);
  const columns = new ColumnDecoder(from, options);
  const keys = content === CONTENT_PAIRS ? columns.values(rows) : [];
  const values = columns.values(rows);
  close(from);
  return { keys, values };
}

/** The same, without a value for each row where there need not be one. What it gives may be views of `frame`. */
export function decodeFrameColumns(
  frame: Uint8Array,
  extent: FrameExtent,
  crc32: Crc32,
  options: DecodeOptions,
): FrameColumns {
  return decodeColumns(frame, extent, crc32, options, (columns, rows) => columns.column(rows));
}

/** The same, and what is inside of records and arrays in columns too. */
export function decodeFrameNested(
  frame: Uint8Array,
  extent: FrameExtent,
  crc32: Crc32,
  options: DecodeOptions,
): NestedColumns {
  return decodeColumns(frame, extent, crc32, options, (columns, rows) => columns.nested(rows));
}

function decodeColumns<T>(
  frame: Uint8Array,
  extent: FrameExtent,
  crc32: Crc32,
  options: DecodeOptions,
  valuesOf: (columns: ColumnDecoder, rows: number) => T,
): { rows: number; keys: Column | undefined; values: T } {
  const { from, content, rows } = openColumns(frame, extent, crc32, options.lz4);
  const columns = new ColumnDecoder(from, options);
  const keys = content === CONTENT_PAIRS ? columns.column(rows) : undefined;
  const values = valuesOf(columns, rows);
  close(from);
  return { rows, keys, values };
}

/** What `encodeBytesFrame` was given: a view of the frame where it is plain. Throws as `decodeFrame`. */
export function decodeBytesFrame(
  frame: Uint8Array,
  extent: FrameExtent,
  crc32: Crc32,
  options: { readonly lz4?: Lz4 | undefined } = {},
): Uint8Array {
  const { body, content } = open(frame, extent, crc32, options.lz4);
  if (content !== CONTENT_BYTES) throw new RangeError(`its content is ${content}`);
  return body;
}

function openColumns(frame: Uint8Array, extent: FrameExtent, crc32: Crc32, lz4: Lz4 | undefined) {
  const { body, content, rows } = open(frame, extent, crc32, lz4);
  if (content !== CONTENT_ROWS && content !== CONTENT_PAIRS)
    throw new RangeError(`its content is ${content}`);
  return { from: new ByteReader(body), content, rows };
}

/** `body`: as it was encoded; a view of the frame where it is not compressed, as well aligned where it is. */
function open(frame: Uint8Array, extent: FrameExtent, crc32: Crc32, lz4: Lz4 | undefined) {
  if (frame.length !== extent.bytes || frame.length < FRAME_HEADER_BYTES)
    throw new RangeError("it is cut off");
  // First of all: whatever the bytes say may be wrong before it is verified.
  const stored = new DataView(frame.buffer, frame.byteOffset).getUint32(CRC_OFFSET, true);
  if (stored !== extent.crc || stored !== crcOf(frame, crc32))
    throw new RangeError("its checksum does not match");
  const { content, form, rows, bodyBytes, plainBytes } = readFrameHeader(frame);
  if (rows !== extent.rows || bodyBytes !== frame.length - FRAME_HEADER_BYTES) {
    throw new RangeError("its header contradicts the index");
  }
  const body = frame.subarray(FRAME_HEADER_BYTES);
  if (form === FORM_PLAIN) return { body, content, rows };
  if (lz4 === undefined) throw new RangeError("it is compressed, which nothing here can undo");
  return { body: lz4.decompress(body, plainBytes), content, rows };
}

function close(from: ByteReader): void {
  if (from.position !== from.bytes.length) throw new RangeError("bytes are left over");
}

const crcOf = (frame: Uint8Array, crc32: Crc32): number =>
  crc32(frame.subarray(FRAME_HEADER_BYTES), crc32(frame.subarray(0, CRC_OFFSET)));
