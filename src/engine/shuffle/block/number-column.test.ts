import { describe, expect, it } from "vitest";
import type { NumberArray } from "./column.ts";
import { numbersToArray } from "./number-column.ts";

/** More than are turned in place, and as many as are. */
const ROWS = [0, 1, 8192, 8193];

describe("numbers out of their column", () => {
  it.each<[string, readonly number[], (values: readonly number[]) => NumberArray]>([
    ["int8", [-128, -1, 0, 127], (values) => Int8Array.from(values)],
    ["int16", [-32768, -1, 0, 32767], (values) => Int16Array.from(values)],
    ["int32", [-(2 ** 31), -1, 0, 2 ** 30, 2 ** 31 - 1], (values) => Int32Array.from(values)],
    ["uint8", [0, 255], (values) => Uint8Array.from(values)],
    ["uint16", [0, 65535], (values) => Uint16Array.from(values)],
    ["uint32", [0, 2 ** 31, 2 ** 32 - 1], (values) => Uint32Array.from(values)],
    ["float64", [0.5, -0, 1e300, Number.NaN, 7], (values) => Float64Array.from(values)],
  ])("are what they were: %s", (_, some, columnOf) => {
    for (const rows of ROWS) {
      const values = Array.from({ length: rows }, (_, row) => some[row % some.length] as number);
      expect(numbersToArray(columnOf(values)).every((value, row) => Object.is(value, values[row]))).toBe(
        true,
      );
      expect(numbersToArray(columnOf(values)).length).toBe(rows);
    }
  });
});
