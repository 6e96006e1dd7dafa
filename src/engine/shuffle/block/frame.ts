/**
 * A frame: some rows, encoded together. The unit of reading, verifying and spilling.
 *
 *     u8 content (1 rows, 2 pairs, 3 bytes) · 3 bytes 0 · u32 rows · u32 body bytes · u32 CRC-32 · body
 *
 * The CRC is over the header's first 12 bytes and the body. A body is one column of rows, or a column of keys and
 * one of values (column-layout.ts); or bytes whose layout is the business of the sink that wrote them.
 */
import { assert } from "../../../base/assert.ts";
import type { Crc32, ValueCodec } from "../../../ports/codec.ts";
import { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { type Column, type ColumnSource, rowsOf } from "./column.ts";
import { ColumnDecoder, type DecodeOptions } from "./column-decode.ts";
import { ColumnEncoder } from "./column-encode.ts";

const CONTENT_ROWS = 1;
const CONTENT_PAIRS = 2;
const CONTENT_BYTES = 3;
export const FRAME_HEADER_BYTES = 16;
const CRC_OFFSET = 12;

/** Where a frame lies, and what it must be. */
export interface FrameExtent {
  readonly offset: number;
  readonly bytes: number;
  readonly rows: number;
  readonly crc: number;
}

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

/** Replaces the content of `to` with a frame; `keys` undefined for plain rows. Returns its CRC. Throws VALUE_UNENCODABLE. */
export function encodeFrame(
  to: ByteWriter,
  keys: ColumnSource | undefined,
  values: ColumnSource,
  { codec, crc32 }: FrameCodec,
): number {
  const rows = rowsOf(values);
  assert(keys === undefined || rowsOf(keys) === rows, "every row has a key, or none");
  begin(to, keys === undefined ? CONTENT_ROWS : CONTENT_PAIRS, rows);
  const columns = new ColumnEncoder(to, codec);
  if (keys !== undefined) columns.add(keys);
  columns.add(values);
  return end(to, crc32);
}

/** The same for rows in a layout of the caller's own. */
export function encodeBytesFrame(to: ByteWriter, rows: number, body: Uint8Array, crc32: Crc32): number {
  begin(to, CONTENT_BYTES, rows);
  to.append(body);
  return end(to, crc32);
}

function begin(to: ByteWriter, content: number, rows: number): void {
  assert(rows > 0, "a frame has rows");
  to.clear();
  to.u8(content);
  to.u8(0);
  to.u8(0);
  to.u8(0);
  to.u32(rows);
  to.u32(0);
  to.u32(0);
}

/** Returns the frame's CRC. */
function end(to: ByteWriter, crc32: Crc32): number {
  to.view.setUint32(8, to.length - FRAME_HEADER_BYTES, true);
  const frame = to.written();
  const crc = crcOf(frame, crc32);
  to.view.setUint32(CRC_OFFSET, crc, true);
  return crc;
}

/** Throws where the bytes are not the frame that the extent says; the caller knows what to call that. */
export function decodeFrame(
  frame: Uint8Array,
  extent: FrameExtent,
  crc32: Crc32,
  options: DecodeOptions,
): FrameRows {
  const { from, content, rows } = openColumns(frame, extent, crc32);
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
  const { from, content, rows } = openColumns(frame, extent, crc32);
  const columns = new ColumnDecoder(from, options);
  const keys = content === CONTENT_PAIRS ? columns.column(rows) : undefined;
  const values = columns.column(rows);
  close(from);
  return { rows, keys, values };
}

/** What `encodeBytesFrame` was given: a view of the frame. Throws as `decodeFrame`. */
export function decodeBytesFrame(frame: Uint8Array, extent: FrameExtent, crc32: Crc32): Uint8Array {
  const { content } = open(frame, extent, crc32);
  if (content !== CONTENT_BYTES) throw new RangeError(`its content is ${content}`);
  return frame.subarray(FRAME_HEADER_BYTES);
}

function openColumns(frame: Uint8Array, extent: FrameExtent, crc32: Crc32) {
  const opened = open(frame, extent, crc32);
  const { content } = opened;
  if (content !== CONTENT_ROWS && content !== CONTENT_PAIRS)
    throw new RangeError(`its content is ${content}`);
  return opened;
}

function open(frame: Uint8Array, extent: FrameExtent, crc32: Crc32) {
  if (frame.length !== extent.bytes || frame.length < FRAME_HEADER_BYTES)
    throw new RangeError("it is cut off");
  const from = new ByteReader(frame);
  const content = from.u8();
  from.take(3);
  const rows = from.u32();
  const bodyBytes = from.u32();
  const crc = from.u32();
  if (crc !== extent.crc || crc !== crcOf(frame, crc32)) throw new RangeError("its checksum does not match");
  if (rows !== extent.rows || bodyBytes !== frame.length - FRAME_HEADER_BYTES) {
    throw new RangeError("its header contradicts the index");
  }
  return { from, content, rows };
}

function close(from: ByteReader): void {
  if (from.position !== from.bytes.length) throw new RangeError("bytes are left over");
}

const crcOf = (frame: Uint8Array, crc32: Crc32): number =>
  crc32(frame.subarray(FRAME_HEADER_BYTES), crc32(frame.subarray(0, CRC_OFFSET)));
