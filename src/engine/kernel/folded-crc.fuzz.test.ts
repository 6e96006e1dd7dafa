import fc from "fast-check";
import { expect, it } from "vitest";
import { crc32 } from "../../adapters/codec/zlib.ts";
import { assert } from "../../base/assert.ts";
import { FOLDED_BYTES_MIN, foldedCrc } from "./folded-crc.ts";
import { PlainSortKernel } from "./plain-sort-kernel.ts";
import { createWasmSortKernel } from "./wasm-sort-kernel.ts";

const wasm = createWasmSortKernel();
assert(wasm !== undefined, "this machine has WebAssembly with SIMD");

/** Lengths at which the kernel goes another way: a vector more or less, a step, what it strikes out at a time. */
const lengths = fc.oneof(
  fc.integer({ min: FOLDED_BYTES_MIN - 20, max: FOLDED_BYTES_MIN + 20 }),
  fc
    .tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: -140, max: 140 }))
    .map(([times, more]) => FOLDED_BYTES_MIN + 140 + times * 8192 + more),
  fc.integer({ min: FOLDED_BYTES_MIN, max: 160 * 1024 }),
);
const seeds = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(0xffffffff));

/** Bytes that look like none of their neighbours, the same for the same number. */
function fill(bytes: Uint8Array, from: number): void {
  let state = from | 1;
  for (let at = 0; at < bytes.length; at++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    bytes[at] = state >>> 24;
  }
}

it("is the checksum of the same bytes elsewhere, from any seed on", () => {
  fc.assert(
    fc.property(
      lengths,
      fc.nat(40),
      seeds,
      fc.nat(),
      fc.constantFrom("mixed", "zeros", "one bit"),
      (length, offset, seed, number, content) => {
        const at = wasm.base + offset;
        wasm.reserve(at + length);
        const bytes = wasm.bytes.subarray(at, at + length);
        bytes.fill(0);
        if (content === "mixed") fill(bytes, number);
        if (content === "one bit") bytes[number % length] = 1 << (number % 8);
        const before = Buffer.from(bytes);
        expect(foldedCrc(wasm, crc32)(bytes, seed)).toBe(crc32(before, seed));
        expect(bytes.equals(before)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

it("looks up a small part of what is long, and all of what is short or lies elsewhere", () => {
  const length = 128 * 1024;
  wasm.reserve(wasm.base + length);
  const seen: number[] = [];
  const counting = (bytes: Uint8Array, seed?: number): number => {
    seen.push(bytes.length);
    return crc32(bytes, seed);
  };
  const checksum = foldedCrc(wasm, counting);
  checksum(wasm.bytes.subarray(wasm.base, wasm.base + length + 5));
  checksum(wasm.bytes.subarray(wasm.base, wasm.base + FOLDED_BYTES_MIN - 1));
  checksum(new Uint8Array(length));
  expect(seen[0]).toBeLessThan(4 * 1024);
  expect(seen.slice(1)).toEqual([FOLDED_BYTES_MIN - 1, length]);
});

it("is the checksum itself where the kernel has no way to make it faster", () => {
  expect(foldedCrc(new PlainSortKernel(), crc32)).toBe(crc32);
});
