import { describe, expect, it } from "vitest";
import type { Scratch } from "./scratch.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What every scratch keeps to. `create` gives one without files, and a count of the files that exist. */
export function scratchContract(name: string, create: () => { scratch: Scratch; filesLeft(): number }): void {
  describe(`scratch contract: ${name}`, () => {
    it("reads back at once what was appended, and keeps nothing of the caller's", () => {
      const { scratch } = create();
      const file = scratch.create();
      const part = bytes("abc");
      expect(file.append(part)).toBe(0);
      part.fill(0);
      expect(file.append(bytes("defg"))).toBe(3);
      expect(file.bytes).toBe(7);
      const target = new Uint8Array(4);
      expect(file.readAt(2, target)).toBe(4);
      expect(Buffer.from(target).toString()).toBe("cdef");
      expect(file.readAt(5, target)).toBe(2);
      expect(file.readAt(7, target)).toBe(0);
      expect(file.append(bytes("h"))).toBe(7);
      scratch.dispose();
    });

    it("keeps its files apart, and large ones whole", () => {
      const { scratch } = create();
      const files = [scratch.create(), scratch.create()];
      for (let round = 0; round < 20; round++) {
        files.forEach((file, i) => {
          file.append(new Uint8Array(10_000).fill(10 * round + i));
        });
      }
      files.forEach((file, i) => {
        const target = new Uint8Array(200_000);
        expect(file.readAt(0, target)).toBe(200_000);
        for (let round = 0; round < 20; round++) {
          const part = target.subarray(round * 10_000, (round + 1) * 10_000);
          expect(part.every((byte) => byte === 10 * round + i)).toBe(true);
        }
      });
      scratch.dispose();
    });

    it("deletes a file on its own, and all of them at the end", () => {
      const { scratch, filesLeft } = create();
      const first = scratch.create();
      scratch.create().append(bytes("x"));
      scratch.create();
      expect(filesLeft()).toBe(3);
      first.dispose();
      first.dispose();
      expect(filesLeft()).toBe(2);
      scratch.dispose();
      scratch.dispose();
      expect(filesLeft()).toBe(0);
    });
  });
}
