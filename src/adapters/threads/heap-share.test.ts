import { expect, it, vi } from "vitest";
import { HeapShare, heapShareOf } from "./heap-share.ts";

const MIB = 2 ** 20;
const at = (bytes: number) => () => bytes;

it("is exceeded by a heap that is larger", () => {
  const share = new HeapShare(30 * MIB);
  expect(share.isExceeded(0, at(30 * MIB))).toBe(false);
  expect(share.isExceeded(10, at(30 * MIB + 1))).toBe(true);
});

it("does not look again at once", () => {
  const share = new HeapShare(30 * MIB);
  const look = vi.fn(at(90 * MIB));
  expect([0, 1, 1.9, 2, 3.5, 4].map((ms) => share.isExceeded(ms, look))).toEqual([
    true,
    false,
    false,
    true,
    false,
    true,
  ]);
  expect(look).toHaveBeenCalledTimes(3);
});

it("lets a heap grow by a quarter that holds more than its share, and comes back to the share when it is let go", () => {
  const share = new HeapShare(30 * MIB);
  share.onCollected(40 * MIB);
  expect(share.isExceeded(0, at(50 * MIB))).toBe(false);
  expect(share.isExceeded(10, at(50 * MIB + 1))).toBe(true);
  share.onCollected(10 * MIB);
  expect(share.isExceeded(20, at(30 * MIB))).toBe(false);
  expect(share.isExceeded(30, at(31 * MIB))).toBe(true);
});

it("is a part of what a thread may use, and V8 is left alone where that is much", () => {
  expect(heapShareOf(60 * MIB, 13)).toBe(30 * MIB);
  expect(heapShareOf(60 * MIB, 14)).toBe(30 * MIB);
  expect(heapShareOf(1024 * MIB, 14)).toBe(Number.POSITIVE_INFINITY);
});

it("leaves a V8 alone that collects young objects while it marks", () => {
  expect(heapShareOf(60 * MIB, 11)).toBe(Number.POSITIVE_INFINITY);
  expect(heapShareOf(60 * MIB, 12)).toBe(Number.POSITIVE_INFINITY);
});
