/**
 * A shorter way to the CRC-32 of bytes that lie in a kernel's memory: the kernel makes few bytes of many, with the same
 * remainder, and only those are looked up in tables.
 */
import type { Crc32 } from "../../ports/codec.ts";
import type { SortKernel } from "./sort-kernel.ts";

/** For fewer, what is left of them is too much of them. */
export const FOLDED_BYTES_MIN = 16 * 1024;
/** What to go on from where the register is to hold zeros: a seed is its complement. */
const ZEROS = 0xffffffff;

/** The same checksum, faster for bytes in the kernel's memory. */
export function foldedCrc(kernel: SortKernel, crc32: Crc32): Crc32 {
  const { folding } = kernel;
  if (folding === undefined) return crc32;
  return (bytes, seed = 0) => {
    const memory = kernel.bytes;
    if (bytes.length < FOLDED_BYTES_MIN || bytes.buffer !== memory.buffer) return crc32(bytes, seed);
    const from = bytes.byteOffset - memory.byteOffset;
    const left = folding.fold(from, from + bytes.length, ~seed);
    const rest = folding.rest();
    return crc32(memory.subarray(rest, rest + left), ZEROS);
  };
}
