/** Codes: small whole numbers, packed in as few bits as hold all there may be. The lowest bits of a byte come first. */
import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Bits of a code below `count`. */
function bitsFor(count: number): number {
  if (count <= 1) return 0;
  if (count <= 2) return 1;
  if (count <= 4) return 2;
  return count <= 16 ? 4 : 8;
}

/** @param count More than the greatest code; at most 256. */
export function writeCodes(to: ByteWriter, codes: Uint8Array, count: number): void {
  const bits = bitsFor(count);
  if (bits === 0) return;
  if (bits === 8) return to.append(codes);
  const rows = codes.length;
  const at = to.reserve(Math.ceil((rows * bits) / 8));
  const { bytes } = to;
  const perByte = 8 / bits;
  let row = 0;
  for (let i = at; row < rows; i++) {
    const end = Math.min(row + perByte, rows);
    let byte = 0;
    for (let shift = 0; row < end; row++, shift += bits) byte |= (codes[row] as number) << shift;
    bytes[i] = byte;
  }
}

/** Throws RangeError where a code is not below `count`. */
export function readCodes(from: ByteReader, rows: number, count: number): Uint8Array {
  const bits = bitsFor(count);
  if (bits === 0) return new Uint8Array(rows);
  const packed = from.slice(Math.ceil((rows * bits) / 8));
  const codes = bits === 8 ? packed : unpack(packed, rows, bits);
  let most = 0;
  for (let row = 0; row < rows; row++) most = Math.max(most, codes[row] as number);
  if (most >= count) throw new RangeError(`a code of ${most}, and there are ${count}`);
  return codes;
}

function unpack(packed: Uint8Array, rows: number, bits: number): Uint8Array {
  const codes = new Uint8Array(rows);
  const mask = (1 << bits) - 1;
  const perByte = 8 / bits;
  for (let i = 0, row = 0; row < rows; i++) {
    const end = Math.min(row + perByte, rows);
    for (let byte = packed[i] as number; row < end; row++, byte >>= bits) codes[row] = byte & mask;
  }
  return codes;
}
