import { describe, expect, test } from "vitest";
import { candidateValues, coerceFlag, type ParamFlag, type ParamType, readNumber } from "./param-flag.ts";

const flagOf = (type: ParamType, choices?: readonly string[]): ParamFlag => ({
  name: "maxRows",
  flag: "max-rows",
  type,
  required: false,
  default: undefined,
  description: undefined,
  choices,
});

describe("coerceFlag", () => {
  test.each<[ParamType, string[], unknown]>([
    ["string", ["20"], "20"],
    ["string", [""], ""],
    ["number", ["20"], 20],
    ["number", ["-1.5e3"], -1500],
    ["number", ["-0"], 0],
    ["number", [".5"], 0.5],
    ["boolean", ["true"], true],
    ["boolean", ["false"], false],
    ["string[]", ["a", "1"], ["a", "1"]],
    ["string[]", ["a"], ["a"]],
    ["number[]", ["1", "2"], [1, 2]],
    ["boolean[]", ["true"], [true]],
    ["json", ['{"a":[1]}'], { a: [1] }],
    ["any", ["20"], 20],
    ["any", ["a"], "a"],
  ])("%s of %j", (type, texts, value) => {
    expect(coerceFlag(flagOf(type), texts)).toStrictEqual(value);
  });

  test.each<[ParamType, string[], RegExp]>([
    ["number", ["twenty"], /^--max-rows is "twenty"; it must be a finite number/],
    ["number", [""], /^--max-rows is ""/],
    ["number", ["NaN"], /must be a finite number/],
    ["number", ["1e309"], /must be a finite number/],
    [
      "number",
      ["9007199254740993"],
      /must be from -\(2\^53-1\) to 2\^53-1, as greater whole numbers would be rounded/,
    ],
    ["number", ["0x10"], /must be a finite number/],
    ["number", [" 1"], /must be a finite number/],
    ["boolean", ["yes"], /^--max-rows is "yes"; it must be true or false/],
    ["number[]", ["1", "b"], /^--max-rows is "b"/],
    ["json", ["{a}"], /^--max-rows is "\{a\}"; it must be JSON/],
    ["string", ["a", "b"], /^--max-rows was given 2 times, and takes one value/],
    ["string", [], /^--max-rows was given 0 times/],
  ])("%s refuses %j", (type, texts, message) => {
    const coerce = () => coerceFlag(flagOf(type), texts);
    expect(coerce).toThrowError(
      expect.objectContaining({ code: "PARAM_INVALID", details: { param: "maxRows" } }),
    );
    expect(coerce).toThrowError(message);
  });

  test("choices", () => {
    expect(coerceFlag(flagOf("string", ["a", "b"]), ["b"])).toBe("b");
    expect(() => coerceFlag(flagOf("string", ["a", "b"]), ["c"])).toThrowError(/must be one of a, b/);
    expect(() => coerceFlag(flagOf("string[]", ["a", "b"]), ["a", "c"])).toThrowError(/must be one of a, b/);
  });
});

test("whole numbers that a number would round are none", () => {
  expect(readNumber("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  expect(readNumber("9007199254740992")).toBeUndefined();
  expect(readNumber("1e22")).toBe(1e22);
});

test.each<[string[], unknown[]]>([
  [["20"], [20, "20", [20], ["20"]]],
  [["true"], [true, "true", [true], ["true"]]],
  [["null"], [null, "null", [null], ["null"]]],
  [["abc"], ["abc", ["abc"]]],
  [["{"], ["{", ["{"]]],
  [['"20"'], ["20", '"20"', ["20"], ['"20"']]],
  [["[1]"], [[1], "[1]", [[1]], ["[1]"]]],
  [
    ["1", "b"],
    [
      [1, "b"],
      ["1", "b"],
    ],
  ],
  [["a", "b"], [["a", "b"]]],
])("a flag of unknown type: %j", (texts, values) => {
  expect(candidateValues(texts)).toStrictEqual(values);
});
