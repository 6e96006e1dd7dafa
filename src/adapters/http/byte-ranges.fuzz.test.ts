import fc from "fast-check";
import { expect, test } from "vitest";
import type { ByteRange } from "../../ports/blob-store.ts";
import {
  contentRange,
  mergeRanges,
  parseContentRange,
  parseRange,
  rangeHeader,
  splitRanges,
  subtractRanges,
} from "./byte-ranges.ts";

const SIZE = 60;
const range = fc.record({ offset: fc.nat(70), bytes: fc.nat(20) });
const ranges = fc.array(range, { maxLength: 8 });

/** Which bytes they cover, one flag a byte. */
function covered(list: readonly ByteRange[]): boolean[] {
  const flags = new Array<boolean>(SIZE).fill(false);
  for (const { offset, bytes } of list)
    flags.fill(true, Math.min(offset, SIZE), Math.min(offset + bytes, SIZE));
  return flags;
}

function expectDisjoint(list: readonly ByteRange[]): void {
  let end = 0;
  for (const { offset, bytes } of list) {
    expect(offset).toBeGreaterThanOrEqual(end);
    expect(bytes).toBeGreaterThan(0);
    end = offset + bytes;
  }
  expect(end).toBeLessThanOrEqual(SIZE);
}

test("merged ranges cover the same bytes, and what lies between near ones", () => {
  fc.assert(
    fc.property(ranges, fc.integer({ min: 1, max: 10 }), (list, gapBytes) => {
      const merged = mergeRanges(list, SIZE, gapBytes);
      expectDisjoint(merged);
      const wanted = covered(list);
      for (let byte = 0; byte < SIZE; byte++) {
        const before = wanted.lastIndexOf(true, byte);
        const after = wanted.indexOf(true, byte);
        const isNear = before >= 0 && after >= 0 && after - before - 1 < gapBytes;
        expect(covered(merged)[byte], `byte ${byte}`).toBe(wanted[byte] === true || isNear);
      }
    }),
  );
});

test("what is left is what is wanted and not known, in pieces or not", () => {
  fc.assert(
    fc.property(ranges, ranges, fc.integer({ min: 1, max: 10 }), (a, b, bytesMax) => {
      const wanted = mergeRanges(a, SIZE, 1);
      const known = mergeRanges(b, SIZE, 1);
      const rest = subtractRanges(wanted, known);
      expectDisjoint(rest);
      const isKnown = covered(known);
      const expected = covered(wanted).map((it, byte) => it && isKnown[byte] === false);
      expect(covered(rest)).toEqual(expected);
      const pieces = splitRanges(rest, bytesMax);
      expectDisjoint(pieces);
      expect(covered(pieces)).toEqual(expected);
      for (const { bytes } of pieces) expect(bytes).toBeLessThanOrEqual(bytesMax);
    }),
  );
});

test("headers say what they are made of", () => {
  fc.assert(
    fc.property(fc.nat(99), fc.integer({ min: 1, max: 50 }), (offset, bytes) => {
      const given = { offset, bytes };
      expect(parseRange(rangeHeader(given), 1000)).toEqual(given);
      expect(parseContentRange(contentRange(given, 1000))).toEqual({ range: given, size: 1000 });
    }),
  );
});

test.each([
  ["bytes=0-", { offset: 0, bytes: 100 }],
  ["bytes=99-", { offset: 99, bytes: 1 }],
  ["bytes=10-9999", { offset: 10, bytes: 90 }],
  ["bytes=-30", { offset: 70, bytes: 30 }],
  ["bytes=-300", { offset: 0, bytes: 100 }],
  ["bytes=100-", undefined],
  ["bytes=5-4", undefined],
  ["bytes=-0", undefined],
  ["bytes=-", undefined],
  ["bytes=0-1,3-4", undefined],
  ["bytes=99999999999999999999-", undefined],
  ["bytes=0x10-", undefined],
  ["bytes=1-2-3", undefined],
  ["bytes = 1-2", undefined],
  ["rows=1-2", undefined],
  ["", undefined],
])("the range %j of 100 bytes", (header, expected) => {
  expect(parseRange(header, 100)).toEqual(expected);
});

test.each(["bytes 0-9/*", "bytes */10", "bytes 5-4/10", "bytes 0-10/10", "bytes 0-9", "", undefined])(
  "%j is not taken for a range of a whole",
  (header) => {
    expect(parseContentRange(header)).toBeUndefined();
  },
);
