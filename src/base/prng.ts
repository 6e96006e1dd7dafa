/**
 * A seeded generator: sfc32 (Chris Doty-Humphrey, PractRand), 128 bits of state, period at least 2^32.
 * Fast and statistically sound; not for secrets.
 */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** @param seed Any text; the same text gives the same sequence on every machine and Node version. */
  constructor(seed: string) {
    const word = seedWords(seed);
    this.#a = word();
    this.#b = word();
    this.#c = word();
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.nextUint32();
  }

  /** A whole number in [0, 2^32). */
  nextUint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number in [0, 1) with 53 random bits, like `Math.random`. */
  next(): number {
    const high = this.nextUint32() >>> 5;
    const low = this.nextUint32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** A whole number in [0, bound); bound from 1 to 2^53. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One element; the list must not be empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Spreads a text of any length over as many 32-bit words as asked for: FNV-1a, then a murmur3 finaliser a word. */
function seedWords(seed: string): () => number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    hash = (hash + 0x9e3779b9) | 0;
    let word = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return word ^ (word >>> 16);
  };
}
