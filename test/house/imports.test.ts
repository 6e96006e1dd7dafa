import { describe, expect, test } from "vitest";
import { checkImports, findCycles, folderRules, importsOf, resolveImport } from "./imports.ts";
import { describeAll, isTestFile, projectFiles, readProjectFile } from "./project-files.ts";

const sources = projectFiles().filter((path) => path.startsWith("src/") && path.endsWith(".ts"));

describe("imports by folder", () => {
  test("every file keeps to its folder's row", () => {
    expect(describeAll(sources.flatMap((file) => checkImports(file, readProjectFile(file))))).toEqual([]);
  });

  test("every row is a folder, and every folder has a row", () => {
    const folders = new Set(sources.filter((path) => path.split("/").length > 2).map((p) => p.split("/")[1]));
    expect([...folders].sort()).toEqual(Object.keys(folderRules).sort());
  });

  test("ARCHITECTURE.md shows the same table", () => {
    const rows = readProjectFile("ARCHITECTURE.md").matchAll(/^\| `src\/(\w+)\/` \|.*\| ([^|]*) \|$/gm);
    const shown = [...rows].map(([, folder, list = ""]) => [
      folder,
      list === "nothing" ? [] : list.split(", "),
    ]);
    expect(Object.fromEntries(shown)).toEqual(folderRules);
  });

  test.each([
    ["src/plan/a.ts", `import { x } from "../core/x.ts";`, "plan may not import core"],
    ["src/plan/a.ts", `import type { X } from "../core/x.ts";`, "plan may not import core"],
    ["src/plan/a.ts", `export * from "../core/x.ts";`, "plan may not import core"],
    ["src/plan/a.ts", `type X = import("../core/x.ts").X;`, "plan may not import core"],
    ["src/base/a.ts", `await import("../plan/x.ts");`, "base may not import plan"],
    ["src/engine/deep/a.ts", `import { x } from "../../runtime/x.ts";`, "engine may not import runtime"],
    ["src/api/job.ts", `import { x } from "../adapters/x.ts";`, "api may not import adapters"],
    ["src/sim/a.ts", `import { x } from "../adapters/x.ts";`, "sim may not import adapters"],
    ["src/core/a.ts", `import { readFileSync } from "node:fs";`, "core may not import node:fs"],
    ["src/engine/a.ts", `import type { X } from "lmdb";`, "engine may not import lmdb"],
    ["src/plan/a.ts", `import { x } from "./x.js";`, "without its .ts extension"],
    ["src/plan/a.ts", `import { x } from "./x.contract.ts";`, "imports the test file"],
    ["src/attic/a.ts", `import { x } from "../base/x.ts";`, "is in no room of the house"],
    ["src/base/a.ts", `import { x } from "../index.ts";`, "base may not import src/index.ts"],
  ])("the scanner finds what is wrong in %s: %s", (file, text, complaint) => {
    expect(describeAll(checkImports(file, text))).toEqual([expect.stringContaining(complaint)]);
  });

  test.each([
    ["src/plan/a.ts", `import { x } from "../base/x.ts"; // import "../core/y.ts"`],
    ["src/plan/a.ts", `const text = 'import { x } from "../core/x.ts"';`],
    ["src/api/compose.ts", `import { x } from "../adapters/x.ts";`],
    ["src/adapters/a.ts", `import { readFileSync } from "node:fs"; import { open } from "lmdb";`],
    ["src/engine/a.test.ts", `import { x } from "../cli/x.ts"; import { y } from "node:fs";`],
  ])("the scanner leaves alone what is right in %s: %s", (file, text) => {
    expect(checkImports(file, text)).toEqual([]);
  });
});

describe("import cycles", () => {
  test("there are none", () => {
    const graph = new Map(
      sources
        .filter((file) => !isTestFile(file))
        .map((file) => {
          const imports = importsOf(file, readProjectFile(file)).filter((i) => i.specifier.startsWith("."));
          return [file, imports.map((i) => resolveImport(file, i.specifier))];
        }),
    );
    expect(graph.size).toBeGreaterThan(0);
    expect(findCycles(graph).map((cycle) => cycle.join(" -> "))).toEqual([]);
  });

  test("the scanner finds a circle of three, and none in a diamond", () => {
    const circle = { a: ["b"], b: ["c", "d"], c: ["a"], d: [] };
    expect(findCycles(new Map(Object.entries(circle)))).toEqual([["a", "b", "c", "a"]]);
    const diamond = { a: ["b", "c"], b: ["d"], c: ["d"], d: [] };
    expect(findCycles(new Map(Object.entries(diamond)))).toEqual([]);
  });
});
