/**
 * A seeded generator for sample data and benchmarks (xorshift32): the same seed gives the same data everywhere.
 * @param {number} seed Whole number other than 0.
 * @returns {(bound: number) => number} Gives a whole number in [0, bound); bound up to 2^31.
 */
export function randomSource(seed) {
  let state = seed | 0 || 1;
  return (bound) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 0x1_0000_0000) * bound);
  };
}
