import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { crc32, gzip } from "./zlib.ts";

it("computes the CRC-32 of gzip, in one go or in parts", () => {
  expect(crc32(Buffer.from("123456789"))).toBe(0xcbf43926);
  expect(crc32(Buffer.from("456789"), crc32(Buffer.from("123")))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

it("compresses to the same bytes each time, without a time or a system", () => {
  const text = Buffer.from("words ".repeat(1000));
  const compressed = gzip(text);
  expect(Buffer.from(gunzipSync(compressed)).equals(text)).toBe(true);
  expect(compressed.length).toBeLessThan(200);
  expect([...compressed.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
  expect(compressed[9]).toBe(255);
});
