import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Lz4 } from "./lz4.ts";

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
/** Bytes with something in them to find again, and bytes with nothing. */
const contents = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 200 })), {
      minLength: 1,
      maxLength: 12,
    })
    .map((runs) =>
      Uint8Array.from(
        runs.flatMap(([piece, times]) =>
          Array(times)
            .fill([...piece])
            .flat(),
        ),
      ),
    ),
);

/** What every implementation of LZ4 keeps to. */
export function lz4Contract(name: string, create: () => Lz4): void {
  describe(`LZ4 contract: ${name}`, () => {
    const lz4 = create();

    it("reads the block of another implementation", () => {
      // A literal "ab", then eight bytes from two bytes before, then five literals.
      const block = Uint8Array.of(0x24, 0x61, 0x62, 2, 0, 0x50, 0x78, 0x79, 0x7a, 0x7a, 0x79);
      expect(Buffer.from(lz4.decompress(block, 15)).toString()).toBe("abababababxyzzy");
    });

    it("gives back what it was given, and the same bytes each time", () => {
      fc.assert(
        fc.property(contents, (plain) => {
          const compressed = Uint8Array.from(lz4.compress(plain));
          expect(lz4.decompress(compressed, plain.length)).toEqual(plain);
          expect(Uint8Array.from(lz4.compress(plain))).toEqual(compressed);
        }),
      );
    });

    it("makes little of what repeats, and hardly more of what does not", () => {
      const text = bytesOf("one line is like the other\n".repeat(2000));
      expect(lz4.compress(text).length).toBeLessThan(text.length / 50);
      const noise = Uint8Array.from({ length: 10_000 }, (_, i) => (i * i * 31 + (i >> 3) * 17) & 255);
      expect(lz4.compress(noise).length).toBeLessThan(noise.length + 200);
    });

    it("keeps what it gave when it is used again", () => {
      const first = lz4.decompress(Uint8Array.from(lz4.compress(bytesOf("first"))), 5);
      lz4.decompress(Uint8Array.from(lz4.compress(bytesOf("other"))), 5);
      expect(Buffer.from(first).toString()).toBe("first");
    });

    it("refuses another length than there is", () => {
      const compressed = Uint8Array.from(lz4.compress(bytesOf("abc".repeat(100))));
      for (const plainBytes of [0, 1, 299, 301, 100_000]) {
        expect(() => lz4.decompress(compressed, plainBytes), String(plainBytes)).toThrow(Error);
      }
    });

    it("gives as many bytes as were asked for, or an Error, whatever the bytes", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(5000), (noise, plainBytes) => {
          try {
            expect(lz4.decompress(noise, plainBytes)).toHaveLength(plainBytes);
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
            expect((error as Error).name).not.toBe("AssertionError");
          }
        }),
        { numRuns: 2000 },
      );
      expect(lz4.decompress(Uint8Array.from(lz4.compress(bytesOf("after"))), 5)).toEqual(bytesOf("after"));
    });

    it("takes no memory for what bytes claim", () => {
      // A match of 16 MB, by its length's bytes, where a hundred are wanted.
      const claim = Uint8Array.of(
        0x1f,
        0x61,
        1,
        0,
        ...Array<number>(65_000).fill(255),
        1,
        0x50,
        1,
        2,
        3,
        4,
        5,
      );
      expect(() => lz4.decompress(claim, 100)).toThrow(Error);
      const before = process.memoryUsage().external;
      for (let i = 0; i < 200; i++) expect(() => lz4.decompress(claim, 100)).toThrow(Error);
      expect(process.memoryUsage().external - before).toBeLessThan(50e6);
    });
  });
}
