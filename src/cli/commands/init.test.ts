import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { CliDependencies } from "../dependencies.ts";
import { FakeIo } from "../fake-io.ts";
import { projectFiles } from "../init-project.ts";
import { main } from "../main.ts";

function project(): { io: FakeIo; init: (...argv: string[]) => Promise<number> } {
  const io = new FakeIo();
  io.cwd = mkdtempSync(join(tmpdir(), "bicoastal-init-"));
  onTestFinished(() => rmSync(io.cwd, { recursive: true }));
  const dependencies = {} as CliDependencies;
  return { io, init: (...argv) => main({ argv: ["init", ...argv], io, dependencies, ownRoot: "/pkg/" }) };
}

test("writes a project, and says what to do next", async () => {
  const { io, init } = project();
  expect(await init("my app")).toBe(0);
  expect(`\n${io.stdout.text}`).toMatchInlineSnapshot(`
    "
    wrote my app: package.json, tsconfig.json, wordcount.ts, wordcount.test.ts, data/harbour.txt, data/lighthouse.txt, .gitignore, README.md

    Next:
      cd "my app"
      npm install
      npm start        # counts the words of data/
      npm test         # checks types, then the job's result
    "
  `);
  const files = readdirSync(join(io.cwd, "my app"), { recursive: true }).map(String).sort();
  expect(files.filter((file) => file !== "data")).toEqual([...projectFiles("x", "1.0.0").keys()].sort());
  const manifest: unknown = JSON.parse(readFileSync(join(io.cwd, "my app", "package.json"), "utf8"));
  expect(manifest).toMatchObject({ name: "my-app", type: "module" });
});

test("without a directory it is the working directory; twice is refused, and nothing changes", async () => {
  const { io, init } = project();
  expect(await init()).toBe(0);
  expect(io.stdout.text).not.toContain("cd ");
  writeFileSync(join(io.cwd, "wordcount.ts"), "mine");
  expect(await init(".")).toBe(2);
  expect(io.stderr.text).toContain("overwrites nothing");
  expect(readFileSync(join(io.cwd, "wordcount.ts"), "utf8")).toBe("mine");
});

test("one file in the way keeps all others from being written", async () => {
  const { io, init } = project();
  mkdirSync(join(io.cwd, "README.md"));
  expect(await init()).toBe(2);
  expect(io.stderr.text).toMatch(/^error\[USAGE\]: README\.md is there already/);
  expect(readdirSync(io.cwd)).toEqual(["README.md"]);
});

test.each([[""], ["a\0b"], ["/dev/null"]])("%j is no directory to write to", async (directory) => {
  const { io, init } = project();
  expect(await init(directory)).toBe(2);
  expect(io.stderr.text).toMatch(/^error\[USAGE\]: /);
});

test.each([
  ["My Project", "my-project"],
  ["日本", "bicoastal-project"],
  ["..", "bicoastal-project"],
  ["bicoastal", "bicoastal-project"],
  ["_x.", "x"],
])("a directory named %s gives a package named %s", (directory, name) => {
  const manifest = JSON.parse(projectFiles(directory, "1.2.3").get("package.json") ?? "") as Record<
    string,
    unknown
  >;
  expect(manifest).toMatchObject({ name, dependencies: { bicoastal: "^1.2.3" } });
});
