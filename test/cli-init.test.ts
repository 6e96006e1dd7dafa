/** The project that `bicoastal init` writes type-checks, runs, and passes its own test. */
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { jsonLines, runNode } from "./cli-process.ts";
import { CliProject } from "./cli-project.ts";
import { root } from "./house/project-files.ts";

test("init, then what its npm scripts do", async () => {
  const it = new CliProject();
  expect(await it.run("init", ".")).toMatchObject({ code: 0, stderr: "" });
  mkdirSync(join(it.directory, "node_modules"));
  symlinkSync(root, join(it.directory, "node_modules", "bicoastal"), "dir");
  symlinkSync(join(root, "node_modules", "@types"), join(it.directory, "node_modules", "@types"), "dir");
  const manifest = JSON.parse(readFileSync(join(it.directory, "package.json"), "utf8")) as {
    scripts: object;
  };
  expect(manifest.scripts).toEqual({
    start: "bicoastal run wordcount.ts",
    test: "tsc && node --test dist/wordcount.test.js",
  });

  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  expect(await runNode([tsc], { cwd: it.directory })).toEqual({ code: 0, stdout: "", stderr: "" });
  const tested = await runNode(["--test", "dist/wordcount.test.js"], { cwd: it.directory });
  expect(tested).toMatchObject({ code: 0, stdout: expect.stringContaining("pass 1") });
  expect(jsonLines(await it.run("run", "wordcount.ts", "--json", "--top", "2"))).toEqual([
    ["the", 14],
    ["light", 6],
  ]);
});
