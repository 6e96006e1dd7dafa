import { describe, expect, it } from "vitest";
import { Prng } from "./prng.ts";

describe("Prng", () => {
  it("never changes: samples and jobs' random numbers must be the same after an update", () => {
    const random = new Prng("seed");
    expect(Array.from({ length: 4 }, () => random.nextUint32())).toMatchInlineSnapshot(`
      [
        907848196,
        204438045,
        4267768552,
        661604629,
      ]
    `);
    expect([random.next(), random.next()]).toMatchInlineSnapshot(`
      [
        0.45777301997380215,
        0.8812398191082237,
      ]
    `);
    expect(Array.from({ length: 6 }, () => random.below(100))).toMatchInlineSnapshot(`
      [
        4,
        40,
        15,
        10,
        40,
        1,
      ]
    `);
    expect(new Prng("").nextUint32()).toMatchInlineSnapshot(`2664150344`);
    expect(new Prng("日本").nextUint32()).toMatchInlineSnapshot(`577752176`);
  });

  it("gives the same sequence for the same seed, and another for a seed that differs in one character", () => {
    const first = (seed: string): readonly number[] => {
      const random = new Prng(seed);
      return Array.from({ length: 50 }, () => random.nextUint32());
    };
    expect(first("job/1/2")).toEqual(first("job/1/2"));
    const seeds = Array.from({ length: 500 }, (_, partition) => `job/1/${partition}`);
    expect(new Set(seeds.map((seed) => first(seed).join())).size).toBe(seeds.length);
    // Nor do neighbours begin alike: the first draws of many partitions are as spread as draws of one.
    const mean = seeds.reduce((sum, seed) => sum + new Prng(seed).next(), 0) / seeds.length;
    expect(mean).toBeGreaterThan(0.44);
    expect(mean).toBeLessThan(0.56);
  });

  it("spreads draws evenly over its range", () => {
    const random = new Prng("even");
    const draws = 64_000;
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < draws; i++) counts[random.below(16)]!++;
    const expected = draws / counts.length;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 15 degrees of freedom: beyond 44.3 once in ten thousand generators, and the seed is fixed.
    expect(chiSquare).toBeLessThan(44.3);
  });

  it("uses every bit of a word, each as often set as not", () => {
    const random = new Prng("bits");
    const draws = 20_000;
    const set = new Array<number>(32).fill(0);
    for (let i = 0; i < draws; i++) {
      const word = random.nextUint32();
      for (let bit = 0; bit < 32; bit++) set[bit]! += (word >>> bit) & 1;
    }
    for (const count of set) expect(Math.abs(count - draws / 2)).toBeLessThan(4.5 * Math.sqrt(draws / 4));
  });

  it("keeps to its bounds", () => {
    const random = new Prng("bounds");
    for (let i = 0; i < 10_000; i++) {
      const number = random.next();
      expect(number >= 0 && number < 1).toBe(true);
      const word = random.nextUint32();
      expect(Number.isInteger(word) && word >= 0 && word < 2 ** 32).toBe(true);
      const large = random.below(2 ** 53);
      expect(Number.isSafeInteger(large) && large >= 0).toBe(true);
    }
    expect(random.below(1)).toBe(0);
    expect(random.chance(0)).toBe(false);
    expect(random.chance(1)).toBe(true);
    expect(random.pick(["only"])).toBe("only");
  });

  it("reaches the upper half of 2^53, and odd numbers there", () => {
    const random = new Prng("large");
    const draws = Array.from({ length: 200 }, () => random.below(2 ** 53));
    expect(draws.some((draw) => draw > 2 ** 52 && draw % 2 === 1)).toBe(true);
  });
});
