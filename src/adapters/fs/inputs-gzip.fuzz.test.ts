/** Compressed files that are cut off, flipped, put together, padded, or something else altogether. */
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { GzipStream } from "./inputs-gzip.ts";

/** Everything the stream gives, read as a file that comes in pieces of so many bytes. */
async function read(bytes: Buffer, pieceBytes: number): Promise<Buffer> {
  const stream = new GzipStream({
    bytes: bytes.length,
    file: { path: "/data/a.gz", sizeBytes: bytes.length, mtimeMs: 0 },
    readAt: async (position, target) =>
      bytes.copy(target, 0, position, Math.min(position + pieceBytes, bytes.length)),
    close: () => {},
  });
  const chunks: Uint8Array[] = [];
  try {
    for (let chunk = await stream.next(); chunk !== undefined; chunk = await stream.next())
      chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks);
  } finally {
    stream.close();
  }
}

const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.nat(100_000).map((length) => Buffer.alloc(length, "line\n")),
);
const members = fc.array(content, { minLength: 1, maxLength: 3 });
const pieceBytes = fc.constantFrom(100, 4_096, 1 << 16);

test("members one after the other, and padding, are read as what they hold together", async () => {
  await fc.assert(
    fc.asyncProperty(members, fc.nat(50), pieceBytes, async (parts, padding, piece) => {
      const file = Buffer.concat([...parts.map((part) => gzipSync(part)), Buffer.alloc(padding)]);
      expect((await read(file, piece)).equals(Buffer.concat(parts))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

const isWhole = (file: Buffer): boolean => {
  try {
    gunzipSync(file);
    return true;
  } catch {
    return false;
  }
};

test("what is damaged is INPUT_CORRUPT, or read as it was", async () => {
  let corrupt = 0;
  await fc.assert(
    fc.asyncProperty(
      members,
      fc.nat(),
      fc.nat(7),
      fc.nat(4),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      pieceBytes,
      async (parts, place, bit, how, rubbish, piece) => {
        const file = Buffer.concat(parts.map((part) => gzipSync(part)));
        const at = place % file.length;
        const flipped = Buffer.from(file);
        flipped[at]! ^= 1 << bit;
        const damaged = [
          file.subarray(0, at),
          flipped,
          Buffer.concat([file.subarray(0, at), rubbish, file.subarray(at)]),
          Buffer.concat([file, rubbish]),
          Buffer.from(rubbish),
        ][how]!;
        try {
          const found = await read(damaged, piece);
          // A name or a time in a header may change, and a file may end where a member does: what is read is whole.
          const all = Buffer.concat(parts);
          expect(all.subarray(0, found.length).equals(found)).toBe(true);
          if (found.length < all.length) expect(damaged.length === 0 || isWhole(damaged)).toBe(true);
        } catch (error) {
          if (!(error instanceof BicoastalError) || error.code !== "INPUT_CORRUPT") throw error;
          expect(error.details.file).toBe("/data/a.gz");
          corrupt++;
        }
      },
    ),
    { numRuns: 200 },
  );
  expect(corrupt).toBeGreaterThan(0);
});
