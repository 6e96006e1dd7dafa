import * as valibot from "valibot";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Job, job } from "./job.ts";
import { read } from "./read.ts";

const define = (params: object): Job => job({ name: "test", params, run: () => read.range(1) }) as Job;
const flags = (texts: Record<string, string[]>) => new Map(Object.entries(texts));

describe("defaults", () => {
  const defaults = {
    input: "books/*.txt",
    top: 20,
    dryRun: false,
    tags: ["a"],
    ids: [1, 2],
    empty: [],
    since: null,
    deep: { a: 1, b: { c: "x" } },
    open: {},
  };
  const test1 = define(defaults);

  test("are the flags, with types", () => {
    const described = test1.params.flags.map(({ name, flag, type }) => [name, flag, type]);
    expect(described).toEqual([
      ["input", "input", "string"],
      ["top", "top", "number"],
      ["dryRun", "dry-run", "boolean"],
      ["tags", "tags", "string[]"],
      ["ids", "ids", "number[]"],
      ["empty", "empty", "string[]"],
      ["since", "since", "any"],
      ["deep", "deep", "json"],
      ["open", "open", "json"],
    ]);
    expect(test1.params.open).toBe(false);
    expect(test1.params.flags[1]).toMatchObject({ default: 20, required: false });
  });

  test("stand where nothing is given", async () => {
    expect(await test1.parseParams()).toEqual(defaults);
    expect(await test1.parseParams({})).toEqual(defaults);
    expect(await test1.parseParams({ top: undefined })).toEqual(defaults);
  });

  test("are merged with what is given, objects within objects too", async () => {
    const given = { top: 3, tags: [], ids: [9], since: "2024", deep: { b: { c: "y" } }, open: { any: [1] } };
    expect(await test1.parseParams(given)).toEqual({ ...defaults, ...given, deep: { a: 1, b: { c: "y" } } });
  });

  test("flags win over what is given", async () => {
    const parsed = await test1.parseParams(
      { top: 3, input: "a" },
      flags({ top: ["4"], dryRun: ["true"], tags: ["x", "y"], since: ["7"], deep: ['{"a":2}'] }),
    );
    expect(parsed).toEqual({
      ...defaults,
      input: "a",
      top: 4,
      dryRun: true,
      tags: ["x", "y"],
      since: 7,
      deep: { a: 2, b: { c: "x" } },
    });
  });

  test("the result is frozen, and the defaults cannot be reached through it", async () => {
    const parsed = await test1.parseParams();
    expect(Object.isFrozen(parsed)).toBe(true);
    expect(Object.isFrozen(parsed.deep)).toBe(true);
    expect(parsed.tags).not.toBe(defaults.tags);
  });

  test.each<[unknown, string, RegExp]>([
    [{ top: "20" }, "PARAM_INVALID", /^Param top of job test is "20"; it must be a number, like its default/],
    [{ input: 1 }, "PARAM_INVALID", /^Param input of job test is 1; it must be a string/],
    [{ dryRun: 1 }, "PARAM_INVALID", /must be a boolean/],
    [{ tags: "a" }, "PARAM_INVALID", /^Param tags of job test is "a"; it must be an array/],
    [{ tags: ["a", 1] }, "PARAM_INVALID", /^Param tags\[1\] of job test is 1; it must be a string/],
    [{ deep: 1 }, "PARAM_INVALID", /^Param deep of job test is 1; it must be an object/],
    [{ deep: { b: { c: 1 } } }, "PARAM_INVALID", /^Param deep\.b\.c of job test is 1; it must be a string/],
    [{ top: Number.NaN }, "PARAM_INVALID", /^Param top is NaN/],
    [
      { tpo: 1 },
      "PARAM_UNKNOWN",
      /^Job test has no param "tpo"\. Did you mean top\? The params are input, top/,
    ],
    [{ deep: { z: 1 } }, "PARAM_UNKNOWN", /has no param "deep\.z"/],
    [JSON.parse('{"__proto__":1}'), "PARAM_UNKNOWN", /has no param "__proto__"/],
    [{ constructor: 1 }, "PARAM_UNKNOWN", /has no param "constructor"/],
    [[], "PARAM_INVALID", /^The params of job test are an array of 0/],
    ["a", "PARAM_INVALID", /^The params of job test are "a"/],
    [null, "PARAM_INVALID", /^The params of job test are null/],
  ])("refuse %j", async (given, code, message) => {
    const parsing = test1.parseParams(given);
    await expect(parsing).rejects.toMatchObject({ name: "BicoastalError", code });
    await expect(parsing).rejects.toThrowError(message);
  });

  test("refuse wrong flags", async () => {
    await expect(test1.parseParams({}, flags({ top: ["x"] }))).rejects.toThrowError(/^--top is "x"/);
    await expect(test1.parseParams({}, flags({ tpo: ["1"] }))).rejects.toThrowError(/Did you mean top\?/);
  });
});

describe("names and values refused where the job is defined", () => {
  test.each<[object, string, RegExp]>([
    [
      { threads: 3 },
      "JOB_INVALID",
      /param "threads" needs another name: --threads is an option of Bicoastal's own, or kept for one\.$/,
    ],
    [{ dataDir: "x" }, "JOB_INVALID", /param "dataDir"/],
    [{ "data-dir": "x" }, "JOB_INVALID", /param "data-dir"/],
    [{ data_dir: "x" }, "JOB_INVALID", /param "data_dir"/],
    [
      { noCache: true },
      "JOB_INVALID",
      /param "noCache" needs another name: --no-cache would turn off the flag --cache/,
    ],
    [{ "": 1 }, "JOB_INVALID", /param "" needs another name/],
    [{ "a b": 1 }, "JOB_INVALID", /param "a b" needs another name/],
    [{ "1": 1 }, "JOB_INVALID", /param "1" needs another name/],
    [{ ["x".repeat(65)]: 1 }, "JOB_INVALID", /needs another name/],
    [
      { maxRows: 1, max_rows: 2 },
      "JOB_INVALID",
      /params maxRows and max_rows would both be the flag --max-rows/,
    ],
    [{ ["__proto__"]: 1 }, "PARAM_INVALID", /__proto__/],
    [{ a: Number.NaN }, "PARAM_INVALID", /^Param a is NaN/],
    [{ a: () => 1 }, "PARAM_INVALID", /^Param a is the function a/],
    [{ a: new Date() }, "PARAM_INVALID", /^Param a is an object of class Date/],
    [
      z.object({ memory: z.string() }),
      "JOB_INVALID",
      /param "memory" needs another name: --\S+ is an option of Bicoastal's own, or kept for one\.$/,
    ],
  ])("%#", (params, code, message) => {
    const defining = () => define(params);
    expect(defining).toThrowError(expect.objectContaining({ name: "BicoastalError", code }));
    expect(defining).toThrowError(message);
  });
});

describe("a schema that describes itself (zod)", () => {
  const schema = z.object({
    input: z.string().describe("Files to read"),
    top: z.number().int().positive().default(20),
    mode: z.enum(["fast", "good"]).optional(),
    ids: z.array(z.number()).default([]),
    zip: z.union([z.number(), z.string()]).optional(),
  });
  const zod = define(schema);

  test("gives flags", () => {
    expect(zod.params.open).toBe(false);
    expect(zod.params.flags).toEqual([
      expect.objectContaining({
        name: "input",
        type: "string",
        required: true,
        description: "Files to read",
      }),
      expect.objectContaining({ name: "top", type: "number", required: false, default: 20 }),
      expect.objectContaining({ name: "mode", type: "string", choices: ["fast", "good"] }),
      expect.objectContaining({ name: "ids", type: "number[]", default: [] }),
      expect.objectContaining({ name: "zip", type: "any" }),
    ]);
  });

  test("checks and completes", async () => {
    expect(await zod.parseParams({ input: "a" })).toEqual({ input: "a", top: 20, ids: [] });
    const texts = flags({ input: ["20"], top: ["5"], ids: ["1"], mode: ["fast"], zip: ["x"] });
    expect(await zod.parseParams({ input: "a" }, texts)).toEqual({
      input: "20",
      top: 5,
      ids: [1],
      mode: "fast",
      zip: "x",
    });
  });

  test("shows issues with their places", async () => {
    const parsing = zod.parseParams({ top: -1, ids: [1, "b"] });
    await expect(parsing).rejects.toMatchObject({ code: "PARAM_INVALID", details: { param: "input" } });
    await expect(parsing).rejects.toThrowError(
      /^The params of job test are not right\. input: .*; top: .*; ids\.1: /,
    );
    await expect(zod.parseParams({ input: "a" }, flags({ mode: ["slow"] }))).rejects.toThrowError(
      /--mode is "slow"; it must be one of fast, good/,
    );
    await expect(zod.parseParams({ input: "a", tpo: 3 })).rejects.toMatchObject({ code: "PARAM_UNKNOWN" });
    await expect(zod.parseParams({ input: "a" }, flags({ tpo: ["1"] }))).rejects.toMatchObject({
      code: "PARAM_UNKNOWN",
      message: expect.stringContaining("Did you mean top?"),
    });
  });

  test("may be asynchronous, and may transform", async () => {
    const params = z
      .object({ ids: z.string().transform((text) => text.split(",")) })
      .refine(async () => true);
    expect(await define(params).parseParams({ ids: "a,b" })).toEqual({ ids: ["a", "b"] });
  });

  test("must give plain values", async () => {
    const dates = define(z.object({ since: z.coerce.date() }));
    expect(dates.params).toEqual({ flags: [], open: true });
    await expect(dates.parseParams({}, flags({ since: ["2024-01-01"] }))).rejects.toMatchObject({
      code: "PARAM_INVALID",
      message: expect.stringContaining("Param since is an object of class Date"),
    });
  });
});

describe("a schema that does not (valibot): flags of any name, tried in turn", () => {
  const vali = define(
    valibot.object({
      zip: valibot.string(),
      top: valibot.optional(valibot.number(), 20),
      tags: valibot.optional(valibot.array(valibot.string())),
      ids: valibot.optional(valibot.array(valibot.number())),
      on: valibot.optional(valibot.boolean()),
      free: valibot.optional(valibot.union([valibot.string(), valibot.number()])),
      deep: valibot.optional(valibot.object({ a: valibot.number() })),
    }),
  );

  test("has no flags of its own", () => {
    expect(vali.params).toEqual({ flags: [], open: true });
  });

  test.each<[Record<string, string[]>, unknown]>([
    [{ zip: ["01234"] }, { zip: "01234", top: 20 }],
    [
      { zip: ["20"], top: ["3"] },
      { zip: "20", top: 3 },
    ],
    [
      { zip: ["a"], tags: ["1"], ids: ["1"] },
      { zip: "a", top: 20, tags: ["1"], ids: [1] },
    ],
    [
      { zip: ["a"], tags: ["1", "b"], ids: ["1", "2"] },
      { zip: "a", top: 20, tags: ["1", "b"], ids: [1, 2] },
    ],
    [
      { zip: ["true"], on: ["true"] },
      { zip: "true", top: 20, on: true },
    ],
    [
      { zip: ["a"], free: ["7"] },
      { zip: "a", top: 20, free: 7 },
    ],
    [
      { zip: ["a"], free: ['"7"'] },
      { zip: "a", top: 20, free: "7" },
    ],
    [
      { zip: ["a"], deep: ['{"a":1}'] },
      { zip: "a", top: 20, deep: { a: 1 } },
    ],
  ])("%j", async (texts, params) => {
    expect(await vali.parseParams({}, flags(texts))).toEqual(params);
  });

  test("shows what the schema says of the most likely value", async () => {
    const parsing = vali.parseParams({}, flags({ zip: ["5"], top: ["many"] }));
    await expect(parsing).rejects.toThrowError(
      'The params of job test are not right. top: Invalid type: Expected number but received "many"',
    );
    await expect(vali.parseParams({})).rejects.toThrowError(/zip: /);
  });

  test("names that the schema drops are unknown", async () => {
    await expect(vali.parseParams({ zip: "a" }, flags({ tpo: ["1"] }))).rejects.toMatchObject({
      code: "PARAM_UNKNOWN",
      message: 'Job test has no param "tpo". Did you mean top? The params are zip, top.',
    });
    const renamed = define(
      valibot.pipe(
        valibot.object({ a: valibot.optional(valibot.number()) }),
        valibot.transform(({ a = 0 }) => ({ b: a })),
      ),
    );
    expect(await renamed.parseParams({}, flags({ a: ["3"] }))).toEqual({ b: 3 });
  });

  test("own options' names are refused when they come", async () => {
    await expect(vali.parseParams({ zip: "a" }, flags({ threads: ["1"] }))).rejects.toMatchObject({
      code: "JOB_INVALID",
    });
    const reserved = define(valibot.object({ threads: valibot.number() }));
    await expect(reserved.parseParams({ threads: 3 })).rejects.toMatchObject({ code: "JOB_INVALID" });
  });
});

test("a schema that throws, and one whose refinement has no place", async () => {
  const throwing = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: () => {
        throw new Error("no luck");
      },
    },
  };
  await expect(define(throwing).parseParams({})).rejects.toMatchObject({
    code: "PARAM_INVALID",
    message: "The params schema of job test threw: Error: no luck",
  });
  const refined = define(
    z.object({ a: z.number(), b: z.number() }).refine(({ a, b }) => a < b, "a must be below b"),
  );
  await expect(refined.parseParams({ a: 2, b: 1 })).rejects.toThrowError(
    "The params of job test are not right. a must be below b",
  );
});
