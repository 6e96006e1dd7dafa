import { expect, test } from "vitest";
import {
  counted,
  formatAgo,
  formatBytes,
  formatCount,
  formatDate,
  formatDuration,
  groupDigits,
} from "./quantity.ts";

test.each([
  [0, "0"],
  [999, "999"],
  [1000, "1,000"],
  [-1234567.5, "-1,234,567.5"],
  [1e21, "1e+21"],
  [Number.NaN, "NaN"],
  [12345678901234567890n, "12,345,678,901,234,567,890"],
])("%s is grouped as %s", (value, text) => expect(groupDigits(value)).toBe(text));

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [999_949, "1.0 MB"],
  [3_449_000, "3.4 MB"],
  [34_000_000, "34 MB"],
  [5e15, "5.0 PB"],
  [5e18, "5,000 PB"],
])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0, "0.00 s"],
  [420, "0.42 s"],
  [996, "1.0 s"],
  [9960, "10 s"],
  [59_600, "1 min 00 s"],
  [185_000, "3 min 05 s"],
  [7_620_000, "2 h 07 min"],
  [3 * 86_400_000 + 4 * 3_600_000, "3 d 4 h"],
])("%d ms are %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

test.each([
  [0, "just now"],
  [42_000, "42 s ago"],
  [300_000, "5 min ago"],
  [3 * 3_600_000, "3 h ago"],
  [12 * 86_400_000, "12 d ago"],
  [40 * 86_400_000, "2026-01-20 12:00:00 UTC"],
  [-60_000, "2026-03-01 12:01:00 UTC"],
])("%d ms before now is %s", (ms, text) => {
  const now = Date.UTC(2026, 2, 1, 12);
  expect(formatAgo(now - ms, now)).toBe(text);
});

test.each([
  [9_999, "9,999"],
  [12_345, "12.3 k"],
  [999_600, "1.0 M"],
  [450_000_000, "450 M"],
])("%d is about %s", (value, text) => expect(formatCount(value)).toBe(text));

test("one is one, and no calendar has the time NaN", () => {
  expect([counted(1, "row"), counted(0, "row"), counted(2000, "task")]).toEqual([
    "1 row",
    "0 rows",
    "2,000 tasks",
  ]);
  expect(formatDate(Number.NaN)).toBe("NaN");
});
