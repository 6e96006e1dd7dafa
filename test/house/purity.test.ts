import { describe, expect, test } from "vitest";
import { describeAll, projectFiles, readProjectFile } from "./project-files.ts";
import { checkPurity } from "./purity.ts";

describe("pure code", () => {
  test("touches no time, chance, promise or surroundings", () => {
    const sources = projectFiles().filter((path) => path.startsWith("src/") && path.endsWith(".ts"));
    expect(sources.length).toBeGreaterThan(0);
    expect(describeAll(sources.flatMap((file) => checkPurity(file, readProjectFile(file))))).toEqual([]);
  });

  test.each([
    ["src/core/a.ts", "const x = Math.random();", "Math.random"],
    ["src/adapters/a.ts", "const x = Math.random();", "Math.random"],
    ["src/core/a.ts", "async function f() {}", "asynchronous"],
    ["src/plan/a.ts", "const f = async () => 1;", "asynchronous"],
    ["src/plan/a.ts", "class A { async m() {} }", "asynchronous"],
    ["src/core/a.ts", "for await (const x of y) z(x);", "asynchronous"],
    ["src/core/a.ts", "const x = Date.now();", "Date"],
    ["src/core/a.ts", "const x = new Date();", "Date"],
    ["src/core/a.ts", "const now = Date;", "Date"],
    ["src/core/a.ts", "setTimeout(f, 1);", "setTimeout"],
    ["src/core/a.ts", "const x = process.env.HOME;", "process"],
    ["src/core/a.ts", "console.log(1);", "console"],
    ["src/core/a.ts", "const x = { process };", "process"],
    ["src/core/a.ts", "const x = globalThis.Date;", "globalThis"],
    ["src/core/a.ts", "const x = performance.now();", "performance"],
    ["src/runtime/a.ts", "const x = Date.now();", "Date"],
    ["src/sim/a.ts", "setTimeout(f, 1);", "setTimeout"],
    ["src/engine/a.ts", "const x = process.memoryUsage();", "process"],
  ])("the scanner finds what is wrong in %s: %s", (file, text, complaint) => {
    expect(describeAll(checkPurity(file, text))).toEqual([expect.stringContaining(complaint)]);
  });

  test.each([
    ["src/core/a.ts", "const x = new Date(atMs).toISOString(); type D = Date; if (x instanceof Date) f();"],
    ["src/core/a.ts", "const x = task.process; interface A { process: number; console(): void }"],
    ["src/core/a.ts", "// Date.now() and Math.random() stay out\nconst x = 'process.exit';"],
    ["src/runtime/a.ts", "async function f() { await g(); const n = performance.now(); }"],
    ["src/adapters/a.ts", "setTimeout(f, Date.now() - process.uptime());"],
    ["src/sim/a.ts", "function crash(process: Process) { process.kill(); setImmediate(f); }"],
    ["src/core/a.test.ts", "const x = Math.random(); setTimeout(f, 1);"],
  ])("the scanner leaves alone what is right in %s: %s", (file, text) => {
    expect(checkPurity(file, text)).toEqual([]);
  });
});
