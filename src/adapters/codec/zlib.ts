import { gzipSync, crc32 as zlibCrc32 } from "node:zlib";
import type { Crc32, Gzip } from "../../ports/codec.ts";

export const crc32: Crc32 = (bytes, seed = 0) => zlibCrc32(bytes, seed);

/** No time stamp is written (zlib leaves it 0), so that equal bytes give equal files. */
export const gzip: Gzip = (bytes) => {
  const compressed = gzipSync(bytes);
  // The one byte of the header that tells which system wrote it; 255: unknown (RFC 1952).
  compressed[9] = 255;
  return compressed;
};
