import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BicoastalError } from "../base/errors.ts";
import { fingerprint } from "../plan/fingerprint.ts";
import type { RunOutput } from "./job.ts";
import { isJob, job } from "./job.ts";
import { read } from "./read.ts";
import { definedJobs, findJob, onJobDefined } from "./registry.ts";

const define = (run: () => unknown) => job({ name: "test", run: run as () => RunOutput });

describe("definition", () => {
  test("a job is frozen and recognised", () => {
    const made = job({ name: "a-1.b_c", params: { top: 3 }, run: ({ top }) => read.range(top) });
    expect(Object.isFrozen(made)).toBe(true);
    expect(made).toMatchObject({ kind: "bicoastal.job", name: "a-1.b_c" });
    expect(isJob(made)).toBe(true);
    expect([isJob(null), isJob({}), isJob("job"), isJob(undefined)]).toEqual([false, false, false, false]);
  });

  const loose = job as unknown as (definition: unknown) => unknown;
  const run = () => read.range(1);
  test.each<[unknown, RegExp]>([
    [undefined, /^job\(\) was given undefined; it takes \{ name, params, run \}/],
    ["wordcount", /^job\(\) was given "wordcount"/],
    [{ run }, /^A job's name is undefined; it must be 1 to 63 of a-z/],
    [{ name: "", run }, /^A job's name is ""/],
    [{ name: "WordCount", run }, /^A job's name is "WordCount"/],
    [{ name: "-rf", run }, /^A job's name is "-rf"/],
    [{ name: "../x", run }, /^A job's name is "..\/x"/],
    [{ name: "a\0", run }, /^A job's name is/],
    [{ name: "é", run }, /^A job's name is "é"/],
    [{ name: "a".repeat(64), run }, /^A job's name is "aaa/],
    [{ name: "a" }, /^Job a: run is undefined; it must be a function/],
    [{ name: "a", run: read.range(1) }, /^Job a: run is an object of class Dataset/],
    [{ name: "a", run, params: 3 }, /^Job a: params is 3/],
    [{ name: "a", run, params: ["x"] }, /^Job a: params is an array of 1/],
    [{ name: "a", run, param: {} }, /^Job a has a field "param"\. Did you mean params\?/],
    [{ name: "a", run, module: "here" }, /^Job a: module is "here"; it must be import\.meta\.url/],
  ])("%# refused", (definition, message) => {
    expect(() => loose(definition)).toThrowError(expect.objectContaining({ code: "JOB_INVALID" }));
    expect(() => loose(definition)).toThrowError(message);
  });
});

describe("what run returns", () => {
  test("a data set is collected", async () => {
    const plan = define(() => read.range(3)).build({});
    expect(plan).toMatchObject({
      shape: "single",
      ends: [{ name: "result", end: { kind: "collect", rowsMax: 1_000_000, single: false } }],
    });
    expect(Object.isFrozen(plan) && Object.isFrozen(plan.ends) && Object.isFrozen(plan.ends[0]?.end)).toBe(
      true,
    );
  });

  test("an end, or a record of both, in its order", () => {
    expect(define(() => read.range(3).count()).build({})).toMatchObject({
      shape: "single",
      ends: [{ name: "result", end: { single: true } }],
    });
    const plan = define(() => {
      const rows = read.range(3);
      return { total: rows.count(), rows, files: rows.write("jsonl", "out") };
    }).build({});
    expect(plan.shape).toBe("record");
    expect(plan.ends.map(({ name, end }) => [name, end.kind])).toEqual([
      ["total", "collect"],
      ["rows", "collect"],
      ["files", "write"],
    ]);
  });

  test("ends of one data set share its node", () => {
    const plan = define(() => {
      const rows = read.range(3).map((n) => n);
      return { a: rows, b: rows.collect({ limit: 2 }) };
    }).build({});
    expect(plan.ends[0]?.end.input).toBe(plan.ends[1]?.end.input);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /^Job test: `run` returned nothing;.* Is a `return` missing\?/],
    [Promise.resolve(1), /^Job test: `run` returned a promise;.* Take out `async`/],
    [[read.range(1)], /^Job test: `run` returned an array;.* Give its items names/],
    [3, /^Job test: `run` returned 3;/],
    [null, /^Job test: `run` returned null;/],
    [{}, /^Job test: `run` returned an empty object; name at least one/],
    [{ a: 3 }, /^Job test: `run` returned 3 as a;/],
    [{ "a b": read.range(1) }, /^Job test: `run` returned a result named "a b";/],
    [{ "1": read.range(1) }, /^Job test: `run` returned a result named "1";/],
    [{ ["__proto__"]: read.range(1) }, /^Job test: `run` returned a result named "__proto__";/],
    [new Map(), /^Job test: `run` returned an object of class Map;/],
  ])("%# refused", (returned, message) => {
    const build = () => define(() => returned).build({});
    expect(build).toThrowError(expect.objectContaining({ code: "JOB_INVALID" }));
    expect(build).toThrowError(message);
  });

  test("what it throws names the job, and keeps the user's own stack", () => {
    const cause = new TypeError("oh no");
    const failing = define(() => {
      throw cause;
    });
    expect(() => failing.build({})).toThrowError(
      expect.objectContaining({
        code: "USER_FUNCTION",
        message: "`run` of job test threw TypeError: oh no",
        cause,
        stack: cause.stack,
      }),
    );
    const ours = define(() => read.lines(""));
    expect(() => ours.build({})).toThrowError(expect.objectContaining({ code: "JOB_INVALID" }));
    const text = define(() => {
      throw "text";
    });
    expect(() => text.build({})).toThrowError('`run` of job test threw "text"');
  });

  test("each call has params of its own", async () => {
    const sorting = job({
      name: "test",
      params: { ids: [3, 1, 2] },
      run: ({ ids }) => read.of(ids.sort().slice(0, 2)),
    });
    const params = await sorting.parseParams();
    expect(fingerprint(sorting.build(params))).toBe(fingerprint(sorting.build(params)));
    expect(params).toEqual({ ids: [3, 1, 2] });
  });
});

describe("the registry", () => {
  test("finds jobs by name; the latest counts", () => {
    const first = job({ name: "twice", run: () => read.range(1) });
    const second = job({ name: "twice", run: () => read.range(2) });
    expect(findJob("twice")).toBe(second);
    expect(findJob("twice")).not.toBe(first);
    expect(findJob("never")).toBeUndefined();
    expect(findJob("constructor")).toBeUndefined();
    const names = definedJobs().map(({ name }) => name);
    expect(names).toContain("twice");
    expect(names).toEqual([...new Set(names)].sort());
  });

  test("tells of every new one until it is told to stop", () => {
    const heard: string[] = [];
    const stop = onJobDefined(({ name }) => heard.push(name));
    job({ name: "heard-1", run: () => read.range(1) });
    stop();
    job({ name: "heard-2", run: () => read.range(1) });
    expect(heard).toEqual(["heard-1"]);
  });
});

describe("the module of a job", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "bicoastal job é-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  test("is this file, where it was defined here", () => {
    expect(define(() => read.range(1)).module).toBe(fileURLToPath(import.meta.url));
  });

  test("is what the definition says", () => {
    const url = pathToFileURL(join(directory, "a job.ts")).href;
    expect(job({ name: "a", module: url, run: () => read.range(1) }).module).toBe(
      join(directory, "a job.ts"),
    );
    expect(job({ name: "a", module: "/a/b.ts", run: () => read.range(1) }).module).toBe("/a/b.ts");
  });

  test("is unknown for an evaluated text", () => {
    const evaluated = new Function("job", "run", 'return job({ name: "evaluated", run })');
    expect(evaluated(job, () => read.range(1)).module).toBeUndefined();
  });

  test("is found in a process of its own, from ESM and from CommonJS, and leaves Error as it was", async () => {
    const { build } = await import("esbuild");
    const api = join(directory, "api.mjs");
    const cjs = join(directory, "api.cjs");
    const contents = 'export { job } from "./job.ts"; export { read } from "./read.ts";';
    const stdin = { contents, resolveDir: fileURLToPath(new URL(".", import.meta.url)) };
    const shared = { stdin, bundle: true, platform: "node" } as const;
    await build({ ...shared, outfile: api, format: "esm" });
    await build({ ...shared, outfile: cjs, format: "cjs" });
    const body = `
      const before = Error.prepareStackTrace;
      const made = job({ name: "x", run: () => read.range(1) });
      console.log(made.module, Error.stackTraceLimit, Error.prepareStackTrace === before);`;
    const esmJob = join(directory, "my job.mjs");
    const cjsJob = join(directory, "my job.cjs");
    await writeFile(esmJob, `import { job, read } from "./api.mjs";\n${body}\n`);
    await writeFile(cjsJob, `const { job, read } = require("./api.cjs");\n${body}\n`);
    for (const file of [esmJob, cjsJob]) {
      const { stdout } = await promisify(execFile)(process.execPath, ["--stack-trace-limit=7", file]);
      expect(stdout).toBe(`${file} 7 true\n`);
    }
  });
});

test("errors of another copy of the package pass through run unchanged", () => {
  const foreign = Object.assign(new Error("from elsewhere"), { name: "BicoastalError", code: "JOB_INVALID" });
  const failing = define(() => {
    throw foreign;
  });
  expect(() => failing.build({})).toThrowError(foreign);
  expect(foreign).not.toBeInstanceOf(BicoastalError);
});
