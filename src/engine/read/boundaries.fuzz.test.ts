import fc from "fast-check";
import { expect, test } from "vitest";
import { firstBoundary, LINE_FEED, lastBoundary, quoteParity } from "./boundaries.ts";

const QUOTE = 0x22;
const slice = fc
  .tuple(
    fc.array(fc.oneof(fc.constantFrom(QUOTE, LINE_FEED, 0x23, 0xa2, 0), fc.nat(255)), { maxLength: 80 }),
    fc.nat(80),
    fc.nat(80),
    fc.nat(7),
  )
  .map(([bytes, one, other, shift]) => {
    const [from, to] = [Math.min(one, bytes.length), Math.min(other, bytes.length)].sort((a, b) => a - b);
    // Any alignment of the bytes in their memory.
    const memory = new Uint8Array(bytes.length + shift);
    memory.set(bytes, shift);
    return { bytes: memory.subarray(shift), from: from as number, to: to as number };
  });

test("parity and boundaries are those of a count byte by byte", () => {
  fc.assert(
    fc.property(slice, fc.constantFrom(0, 1), ({ bytes, from, to }, before) => {
      let quotes = 0;
      const even: number[] = [];
      for (let at = from; at < to; at++) {
        if (bytes[at] === QUOTE) quotes += 1;
        if (bytes[at] === LINE_FEED && (before + quotes) % 2 === 0) even.push(at);
      }
      const after = ((before + quotes) % 2) as 0 | 1;
      expect(quoteParity(bytes, from, to, QUOTE)).toBe(quotes % 2);
      expect(firstBoundary(bytes, from, to, QUOTE, before as 0 | 1)).toBe(even[0] ?? -1);
      expect(lastBoundary(bytes, from, to, QUOTE, after)).toBe(even.at(-1) ?? -1);
      const feeds = [...bytes.keys()].filter((at) => at >= from && at < to && bytes[at] === LINE_FEED);
      expect(firstBoundary(bytes, from, to, undefined, 0)).toBe(feeds[0] ?? -1);
      expect(lastBoundary(bytes, from, to, undefined, 0)).toBe(feeds.at(-1) ?? -1);
    }),
    { numRuns: 5000 },
  );
});
