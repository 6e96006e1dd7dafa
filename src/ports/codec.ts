/** What the engine needs from libraries: it may not import them itself. */
export interface ValueCodec {
  /** Encodes an array of any values that structured clone knows. Throws VALUE_UNENCODABLE naming what cannot be. */
  encode(values: readonly unknown[]): Uint8Array;
  /** The way back; throws on bytes it did not write. */
  decode(bytes: Uint8Array): unknown[];
}

/** CRC-32 (ISO 3309, as in gzip) of the bytes, going on from `seed` (0 to begin with); in [0, 2^32). */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number;

/** gzip of a whole buffer, for output files; deterministic. */
export type Gzip = (bytes: Uint8Array) => Uint8Array;
