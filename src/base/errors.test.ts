import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BicoastalError, type ErrorInfo, fromErrorInfo, toErrorInfo } from "./errors.ts";

const info = fc.record(
  {
    code: fc.constantFrom("USER_FUNCTION" as const, "DISK_FULL" as const, "BLOB_MISSING" as const),
    message: fc.string({ maxLength: 60, unit: fc.constantFrom("a", "\n", " ", "at ", "    at x", ":", "é") }),
    retryable: fc.boolean(),
    details: fc.dictionary(
      fc.string({ maxLength: 5 }),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string())),
    ),
    stack: fc.constantFrom("    at parse (job.ts:3:7)", "    at a (a.ts:1:1)\n    at b (b.ts:2:2)"),
  },
  { requiredKeys: ["code", "message", "retryable", "details"] },
);

describe("an error as data", () => {
  it("is the same after the way through an error and back", () => {
    fc.assert(
      fc.property(info, (before) => {
        const error = fromErrorInfo(before);
        expect(error).toBeInstanceOf(BicoastalError);
        expect(toErrorInfo(error, "JOB_FAILED")).toEqual(before);
      }),
    );
  });

  it("survives JSON, which is how it reaches the log", () => {
    const error = new BicoastalError("INPUT_CHANGED", "a.txt changed.", {
      retryable: true,
      details: { file: "a.txt", sizes: ["1", "2"] },
    });
    const data = JSON.parse(JSON.stringify(toErrorInfo(error, "JOB_FAILED"))) as ErrorInfo;
    const { code, message, retryable, details } = fromErrorInfo(data);
    expect({ code, message, retryable, details }).toEqual({
      code: "INPUT_CHANGED",
      message: "a.txt changed.",
      retryable: true,
      details: { file: "a.txt", sizes: ["1", "2"] },
    });
  });

  it("names the class of an error of others, takes the code given, and may be tried again", () => {
    const data = toErrorInfo(new RangeError("too far"), "USER_FUNCTION");
    expect(data).toMatchObject({ code: "USER_FUNCTION", message: "RangeError: too far", retryable: true });
    expect(data.stack).toMatch(/^\s+at .*errors\.test\.ts/);
  });

  const getterThrows = Object.defineProperty(new Error("x"), "message", {
    get: () => {
      throw new Error("no");
    },
  });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  it.each([
    ["text", "no", "Thrown, and not an Error: no"],
    ["nothing", undefined, "Thrown, and not an Error: undefined"],
    ["a symbol", Symbol("s"), "Thrown, and not an Error: Symbol(s)"],
    ["an object that has no text", Object.create(null), "Thrown, and cannot be shown"],
    ["an error whose message throws", getterThrows, "Thrown, and cannot be shown"],
    ["a revoked proxy", revoked.proxy, "Thrown, and cannot be shown"],
  ])("is made of whatever was thrown: %s", (_, thrown, message) => {
    expect(toErrorInfo(thrown, "USER_FUNCTION")).toEqual({
      code: "USER_FUNCTION",
      message,
      retryable: true,
      details: {},
    });
  });

  it("does without a stack that is not text", () => {
    const error = Object.assign(new Error("x"), { stack: 7 });
    expect(toErrorInfo(error, "USER_FUNCTION").stack).toBeUndefined();
  });

  it("is bounded, so that a message of megabytes still fits into the log", () => {
    const error = new Error("x".repeat(3_000_000));
    const data = toErrorInfo(error, "USER_FUNCTION");
    expect(data.message.length).toBeLessThan(20_000);
    expect(data.message).toMatch(/^Error: x+…$/);
    error.stack = "    at y\n".repeat(1_000_000);
    expect(JSON.stringify(toErrorInfo(error, "USER_FUNCTION")).length).toBeLessThan(60_000);
  });
});

describe("BicoastalError", () => {
  it("says by default that trying again is of no use, and has no details", () => {
    const error = new BicoastalError("USAGE", "Wrong.");
    expect(error).toMatchObject({ name: "BicoastalError", code: "USAGE", retryable: false, details: {} });
    expect("cause" in error).toBe(false);
  });

  it("keeps its cause", () => {
    const cause = new Error("inner");
    expect(new BicoastalError("USAGE", "Wrong.", { cause }).cause).toBe(cause);
  });
});
