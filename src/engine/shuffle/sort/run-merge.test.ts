import { expect, test } from "vitest";
import { borrowSortKernel } from "../../kernel/sort-kernels.ts";
import { RunMerge } from "./run-merge.ts";
import { ownKeysFrame, type RunSource } from "./run-source.ts";

const RUNS = 16;
const FRAMES = 3;
const ROWS = 64;
const ROW_BYTES = 4 * 1024;

/** Runs whose keys take turns, so that all of them want their next frame at the same time. */
const runs = Array.from({ length: RUNS }, (_, run): RunSource => {
  const frames = Array.from({ length: FRAMES }, (_, frame) =>
    Array.from({ length: ROWS }, (_, row) => (frame * ROWS + row) * RUNS + run),
  );
  return {
    frames: FRAMES,
    frameBytesMax: 64 * ROWS,
    read: (number) => {
      const values = frames[number] as number[];
      const keys = values.map((value) => {
        const key = Buffer.alloc(4);
        key.writeUInt32BE(value);
        return key;
      });
      return { body: ownKeysFrame(keys, undefined), rows: ROWS, values, valueBytes: ROWS * ROW_BYTES };
    },
  };
});

test("what comes out at a time is no more than a frame, though every source holds one", () => {
  const merge = new RunMerge({
    kernel: borrowSortKernel(),
    sources: runs,
    range: { from: undefined, to: undefined },
    shared: 0,
    descending: false,
    text: false,
    valueBytes: 64 * 1024,
    keys: false,
    rowsMax: 1024,
  });
  const all: unknown[] = [];
  for (let merged = merge.next(); merged !== undefined; merged = merge.next()) {
    expect(merged.values.length).toBe(merged.rows);
    expect(merged.rows * ROW_BYTES).toBeLessThanOrEqual(64 * 1024);
    all.push(...merged.values);
  }
  expect(all).toEqual(Array.from({ length: RUNS * FRAMES * ROWS }, (_, i) => i));
});
