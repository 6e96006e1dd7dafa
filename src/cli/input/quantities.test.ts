import { expect, test } from "vitest";
import { BicoastalError } from "../../base/errors.ts";
import { readBytes, readDurationMs, readWholeNumber } from "./quantities.ts";

const BAD = [
  "",
  " ",
  "0",
  "-1",
  "NaN",
  "1e309",
  "9007199254740993",
  "1_000",
  "٣",
  "\0",
  "0x10",
  "2..5",
  "🧵",
];

/** The value, or the code of the error. */
function outcome(read: () => number): unknown {
  try {
    return read();
  } catch (error) {
    return error instanceof BicoastalError ? error.code : error;
  }
}

test.each(BAD)("%j is no whole number from 1 to 100, no size and no time", (text) => {
  expect(outcome(() => readWholeNumber("threads", text, { min: 1, max: 100 }))).toBe("USAGE");
  if (text !== "9007199254740993") expect(outcome(() => readBytes("memory", text))).toBe("USAGE");
  expect(outcome(() => readDurationMs("task-timeout", text))).toBe("USAGE");
  expect(outcome(() => readDurationMs("task-timeout", `${text}s`))).toBe("USAGE");
});

test("whole numbers within their bounds", () => {
  expect(["1", "007", "100"].map((text) => readWholeNumber("n", text, { min: 1, max: 100 }))).toEqual([
    1, 7, 100,
  ]);
  expect(outcome(() => readWholeNumber("n", "101", { min: 1, max: 100 }))).toBe("USAGE");
});

test("times with their units", () => {
  const times = ["500ms", "30s", "1.5 s", "5min", "2m", "1H"].map((text) => readDurationMs("t", text));
  expect(times).toEqual([500, 30_000, 1500, 300_000, 120_000, 3_600_000]);
  expect(
    ["30", "0s", "0.0001ms", "597h", "1d"].map((text) => outcome(() => readDurationMs("t", text))),
  ).toEqual(Array.from({ length: 5 }, () => "USAGE"));
});

test("the message names option, text and what is expected", () => {
  expect(() => readBytes("memory", "lots")).toThrow(
    '--memory is "lots"; it must be a size such as 2GB or 512MiB.',
  );
});
