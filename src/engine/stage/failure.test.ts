import { describe, expect, it } from "vitest";
import { InvariantViolation } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import { excerptOf } from "./excerpt.ts";
import { explainFailure, type Site, UserMistake } from "./failure.ts";
import { userStackOf } from "./stack.ts";
import { Stopped } from "./stopped.ts";

const site: Site = { label: "map(parse)", calls: "user", late: false };
const place = { file: "/data/a.txt", line: 17, byteOffset: 1042, excerpt: '"x"' };

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("failures of the user's functions", () => {
  it("name operator, message, source line and record", () => {
    const thrown = thrownBy(() => {
      throw new TypeError("no such field");
    });
    const error = explainFailure(thrown, site, place) as BicoastalError;
    expect(error).toMatchObject({ code: "USER_FUNCTION", retryable: true, cause: thrown });
    expect(error.message).toMatch(
      /^map\(parse\) failed at \/.*failure\.test\.ts:\d+:\d+: TypeError: no such field\nThe record: line 17 of \/data\/a\.txt \(byte 1042\): "x"$/,
    );
    expect(error.details).toMatchObject({
      operator: "map(parse)",
      source: expect.stringMatching(/failure\.test\.ts:\d+:\d+$/),
      file: "/data/a.txt",
      line: 17,
      byteOffset: 1042,
      record: '"x"',
    });
    expect(error.stack).toContain("failure.test.ts");
  });

  it.each([
    [() => new ArrayBuffer(2 ** 52), "There is no memory for a buffer of this size.", true],
    [() => "x".repeat(2 ** 29), "A text holds half a billion characters at most", false],
    [() => Buffer.alloc(2 ** 29).toString("latin1"), "A text holds half a billion characters at most", false],
    [
      () => {
        const set = new Set<number>();
        for (let i = 0; ; i++) set.add(i);
      },
      "A Map or Set holds some 16 million entries at most",
      false,
    ],
  ])("of size say what the limit is, case %#", (action, advice, retryable) => {
    const error = explainFailure(thrownBy(action), site, place) as BicoastalError;
    expect(error).toMatchObject({ code: "OUT_OF_MEMORY", retryable });
    expect(error.message).toContain(advice);
    expect(error.message).toMatch(/^map\(parse\) failed at .*The record: line 17 of/s);
  });

  it("of size are told of the engine's own work, too", () => {
    const sink: Site = { label: "sortBy", calls: "sink", late: true };
    const thrown = new RangeError("Array buffer allocation failed");
    thrown.stack = "RangeError: Array buffer allocation failed\n    at new ArrayBuffer (<anonymous>)";
    expect(explainFailure(thrown, sink, undefined)).toMatchObject({
      code: "OUT_OF_MEMORY",
      message: expect.stringMatching(
        /^sortBy failed: RangeError: Array buffer allocation failed\. There is no memory/,
      ),
    });
  });

  it("survive whatever is thrown", () => {
    const hostile = {
      get message() {
        throw new Error("no");
      },
    };
    for (const thrown of ["text", undefined, null, 5, Object.create(null), hostile, Symbol("s")]) {
      const error = explainFailure(thrown, site, undefined) as BicoastalError;
      expect(error.code).toBe("USER_FUNCTION");
      expect(error.message).toMatch(/^map\(parse\) failed: /);
    }
    const long = explainFailure(new Error("x".repeat(1e6)), site, undefined) as BicoastalError;
    expect(long.message.length).toBeLessThan(6000);
  });

  it("pass what is not the user's doing", () => {
    const sink: Site = { label: "countBy", calls: "sink", late: true };
    const internal = new TypeError("ours");
    internal.stack =
      "TypeError: ours\n    at add (node:fs:1:1)\n    at stage1_segment0 (bicoastal-stage-1.js:3:1)";
    for (const [error, at] of [
      [new InvariantViolation("x"), site],
      [new Stopped(), site],
      [internal, sink],
    ] as const) {
      expect(explainFailure(error, at, place)).toBe(error);
    }
    const full = new BicoastalError("DISK_FULL", "full");
    expect(explainFailure(full, sink, place)).toBe(full);
  });

  it("add the record to our own errors that lack it, once", () => {
    const bare = new BicoastalError("KEY_INVALID", "A key is a function.", { details: { type: "function" } });
    const late: Site = { label: "countBy", calls: "sink", late: true };
    const error = explainFailure(bare, late, place) as BicoastalError;
    expect(error.code).toBe("KEY_INVALID");
    expect(error.message).toContain("A key is a function.\nThe record, or one shortly before it: line 17 of");
    expect(error.details).toMatchObject({ type: "function", operator: "countBy", line: 17 });
    expect(explainFailure(error, site, { excerpt: "another" })).toBe(error);
    const placed = new BicoastalError("RECORD_INVALID", "x", { details: { file: "a", line: 1 } });
    expect(explainFailure(placed, site, place)).toBe(placed);
  });

  it("say who made a mistake that is no exception", () => {
    const error = explainFailure(new UserMistake("USER_FUNCTION", "returned a promise."), site, {
      excerpt: "5",
    });
    expect(error).toMatchObject({ code: "USER_FUNCTION", retryable: false });
    expect((error as Error).message).toBe("map(parse) returned a promise.\nThe record: 5");
  });
});

describe("the user's part of a stack", () => {
  const stackOf = (...frames: string[]) =>
    ["Error: x", ...frames.map((frame) => `    at ${frame}`)].join("\n");

  it("ends at the generated loop and leaves Node and Bicoastal out", () => {
    const { frames, source } = userStackOf(
      stackOf(
        "JSON.parse (<anonymous>)",
        "new Parser (/home/x/node_modules/csv/index.js:5:1)",
        "parse (file:///home/x/my%20jobs/job.ts:12:5)",
        "/home/x/my jobs/job.ts:20:3",
        "Module._compile (node:internal/modules/cjs/loader:1:1)",
        "stage0_segment0 (bicoastal-stage-0.js:9:14)",
        "main (/home/x/main.ts:1:1)",
      ),
    );
    expect(source).toBe("/home/x/my jobs/job.ts:12:5");
    expect(frames.length).toBe(4);
    expect(frames.join()).not.toContain("main.ts");
  });

  it("does not take the engine for the user", () => {
    const engine = new URL("./task-run.ts", import.meta.url).pathname;
    expect(userStackOf(stackOf(`next (${engine}:1:1)`))).toEqual({ frames: [], source: undefined });
    expect(userStackOf(undefined)).toEqual({ frames: [], source: undefined });
    expect(userStackOf(stackOf("f (C:\\jobs\\job.ts:3:4)")).source).toBe("C:\\jobs\\job.ts:3:4");
  });
});

describe("excerpts of records", () => {
  it.each([
    ["text\n", '"text\\n"'],
    [[1, null, undefined, 2n], "[1, null, undefined, 2n]"],
    [{ a: { b: { c: { d: 1 } } } }, "{ a: { b: { c: {…} } } }"],
    [new Map([[1, 2]]), "[Map]"],
    [() => 1, "[a function]"],
    [{}, "{}"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [
      new (class Point {
        x = 1;
      })(),
      "Point { x: 1 }",
    ],
  ])("shows %o as %s", (value, text) => {
    expect(excerptOf(value)).toBe(text);
  });

  it("stays short, and reads no iterator", () => {
    expect(excerptOf("x".repeat(1e6)).length).toBe(201);
    expect(excerptOf(Array.from({ length: 1e5 }, (_, i) => i))).toContain("99988 more");
    let reads = 0;
    const group = {
      *[Symbol.iterator]() {
        reads++;
        yield 1;
      },
    };
    excerptOf([group]);
    class Group {
      *[Symbol.iterator]() {
        reads++;
        yield 1;
      }
    }
    expect(excerptOf(["k", new Group()])).toBe('["k", [Group]]');
    expect(reads).toBe(0);
  });
});
