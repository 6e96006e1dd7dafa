import { describe, expect, test } from "vitest";
import { apiNames, installTaskApi } from "./install-api.ts";
import { isReservedParamName, RESERVED_PARAM_NAMES, toFlagName } from "./reserved.ts";
import { showValue } from "./show-value.ts";
import { adviseNames, suggest } from "./suggest.ts";

describe("params and flags", () => {
  test.each([
    ["top", "top"],
    ["maxRows", "max-rows"],
    ["max_rows", "max-rows"],
    ["max-rows", "max-rows"],
    ["maxURL", "max-url"],
    ["top10Words", "top10-words"],
  ])("%s is --%s", (param, flag) => {
    expect(toFlagName(param)).toBe(flag);
  });

  test("reserved names, in any spelling", () => {
    expect(RESERVED_PARAM_NAMES).toEqual([...RESERVED_PARAM_NAMES].sort());
    for (const name of [
      "threads",
      "dataDir",
      "data-dir",
      "task-timeout",
      "taskTimeout",
      "json",
      "no-color",
      "detach",
      "store",
    ]) {
      expect(isReservedParamName(name), name).toBe(true);
    }
    for (const name of [
      "input",
      "top",
      "limit",
      "color",
      "resume",
      "version",
      "thread",
      "nodes",
      "north",
      "constructor",
    ]) {
      expect(isReservedParamName(name), name).toBe(false);
    }
  });
});

test("suggestions", () => {
  expect(suggest("tpo", ["input", "top"])).toBe("top");
  expect(suggest("Threads", ["threads"])).toBe("threads");
  expect(suggest("inptu", ["output", "input"])).toBe("input");
  expect(suggest("zebra", ["input", "top"])).toBeUndefined();
  expect(suggest("x", ["y"])).toBeUndefined();
  expect(suggest("a".repeat(1_000_000), ["a"])).toBeUndefined();
  expect(adviseNames("x", [], "params")).toBe("There are no params.");
  expect(adviseNames("zebra", ["top"], "params")).toBe("The params are top.");
});

test("values in messages are short, and on one line", () => {
  class Odd {
    get [Symbol.toStringTag](): string {
      throw new Error("never asked");
    }
  }
  expect(showValue("a\nb")).toBe('"a\\nb"');
  expect(showValue("x".repeat(10_000_000)).length).toBeLessThan(70);
  expect(showValue("💾".repeat(100))).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])/);
  expect([showValue(-0), showValue(Number.NaN), showValue(5n)]).toEqual(["-0", "NaN", "5n"]);
  expect(showValue({ a: 1, b: 2 })).toBe("an object { a, b }");
  expect(showValue(new Odd())).toBe("an object of class Odd");
  expect(showValue(Object.create(null))).toBe("an empty object");
  expect(showValue(Object.create({ constructor: null }))).toBe("an object");
});

test("a bundle may import exactly the values that the package exports", async () => {
  expect(Object.keys(await import("../index.ts")).sort()).toEqual([...apiNames]);
});

test("a thread's API has every name a bundle may import, and its run never settles", async () => {
  installTaskApi();
  const api = (globalThis as Record<symbol, Record<string, unknown>>)[Symbol.for("bicoastal.api")];
  expect(Object.keys(api ?? {}).sort()).toEqual([...apiNames]);
  const run = api?.run as () => Promise<unknown>;
  const winner = await Promise.race([
    run().then(() => "settled"),
    new Promise((done) => setImmediate(done, "not")),
  ]);
  expect(winner).toBe("not");
});
