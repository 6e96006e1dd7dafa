import { describe, expect, it } from "vitest";
import { encodeJson } from "./encode-json.ts";

const encode = (value: unknown) => encodeJson(value, "write jsonl");

describe("records as JSON", () => {
  it("writes every iterable as an array", () => {
    class Values {
      *[Symbol.iterator]() {
        yield 1;
        yield new Map([["k", new Set([2])]]);
      }
    }
    expect(encode(["key", new Values()])).toBe('["key",[1,[["k",[2]]]]]');
    expect(encode({ bytes: Uint8Array.of(1, 2), buffer: Buffer.from([3]) })).toBe(
      '{"bytes":[1,2],"buffer":[3]}',
    );
  });

  it("leaves the rest to the conventions of JSON", () => {
    const record = {
      none: undefined,
      fn: () => 1,
      nan: Number.NaN,
      list: [undefined],
      own: { toJSON: () => "own" },
    };
    expect(encode(record)).toBe('{"nan":null,"list":[null],"own":"own"}');
    class Point {
      x = 1;
      get y() {
        return 2;
      }
    }
    expect(encode(new Point())).toBe('{"x":1}');
  });

  it.each([
    ["a bigint", { a: [{ b: 5n }] }, /a bigint at a\[0\]\.b/],
    ["a promise", { p: Promise.resolve(1) }, /a promise at p/],
    ["nothing", undefined, /a record that is undefined/],
    ["a function", () => 1, /a record that is a function/],
  ])("refuses %s", (_, value, message) => {
    expect(() => encode(value)).toThrow(message);
    expect(() => encode(value)).toThrow(expect.objectContaining({ code: "VALUE_UNENCODABLE" }));
  });

  it("refuses cycles and endless depth, but not the same object twice", () => {
    const cycle: { next?: unknown } = {};
    cycle.next = [cycle];
    expect(() => encode(cycle)).toThrow("contains itself at next[0]");
    let deep: unknown = 1;
    for (let i = 0; i < 1e5; i++) deep = [deep];
    expect(() => encode(deep)).toThrow("nested too deep");
    const shared = new Map();
    expect(encode({ a: shared, b: shared })).toBe('{"a":[],"b":[]}');
  });
});
