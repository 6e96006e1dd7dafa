import fc from "fast-check";
import { expect, it } from "vitest";
import { hashKey } from "../../../base/hash.ts";
import { AsciiText } from "./ascii-text.ts";
import { rowsOf } from "./column.ts";
import { FrameBuffer } from "./frame-buffer.ts";

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "\0", "\x7f"), maxLength: 5 }),
  fc.string({ unit: fc.constantFrom("a", "\x80", "é", "語"), maxLength: 3 }),
  fc.nat(70).map((length) => "x".repeat(length)),
);
const key = fc.oneof({ weight: 30, arbitrary: text }, { weight: 1, arbitrary: fc.constantFrom(1, null) });

it("reads what is short and ASCII, with its hash", () => {
  const read = new AsciiText();
  fc.assert(
    fc.property(text, (given) => {
      const isShort = given.length <= 64 && !/[^\0-\x7f]/.test(given);
      expect(read.read(given)).toBe(isShort);
      if (!isShort) return;
      expect(Buffer.from(read.bytes.subarray(0, read.length)).toString("latin1")).toBe(given);
      expect(read.hash).toBe(hashKey(given));
    }),
  );
});

it("waits for a frame as a string would, whatever comes beside it", () => {
  const read = new AsciiText();
  const rounds = fc.array(fc.array(key, { maxLength: 200 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(rounds, (lists) => {
      const buffer = new FrameBuffer();
      const plain = new FrameBuffer();
      for (const keys of lists) {
        for (const [row, each] of keys.entries()) {
          const added =
            typeof each === "string" && read.read(each)
              ? buffer.addAscii(each, read, row)
              : buffer.addPair(each, row);
          expect(added).toBe(plain.addPair(each, row));
        }
        expect([buffer.bytes, buffer.isEmpty]).toEqual([plain.bytes, keys.length === 0]);
        expect(buffer.values).toEqual(plain.values);
        const column = buffer.keyColumn;
        if (column === undefined) expect(keys).toEqual([]);
        else {
          expect(rowsOf(column)).toBe(keys.length);
          if (!("lengths" in column)) expect(column).toEqual(keys);
          else {
            let at = 0;
            const texts: string[] = [];
            for (const length of column.lengths) {
              texts.push(Buffer.from(column.bytes.subarray(at, at + length)).toString("latin1"));
              at += length;
            }
            expect(texts).toEqual(keys);
            expect(at).toBe(column.bytes.length);
          }
        }
        buffer.clear();
        plain.clear();
      }
    }),
  );
});
