/**
 * LZ4's block format: bytes alone, without a frame around them and without their length. Every implementation reads what
 * another one wrote, and one implementation writes the same bytes for the same bytes.
 */
export interface Lz4 {
  compress(bytes: Uint8Array): Uint8Array;
  /**
   * The way back, in an array of its own. `plainBytes`: how many there were. Throws an Error where there are more or fewer,
   * and where `compressed` is no such block; takes memory for what is given and for `plainBytes`, whatever the bytes claim.
   */
  decompress(compressed: Uint8Array, plainBytes: number): Uint8Array;
}
