import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeDirectory } from "./make-directory.ts";

test("makes a directory with its parents, once or again", () => {
  const root = mkdtempSync(join(tmpdir(), "bicoastal-make-directory-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const path of [join(root, "a", "b", "c"), join(root, "a"), root, "/"]) {
    makeDirectory(path);
    expect(statSync(path).isDirectory()).toBe(true);
  }
  writeFileSync(join(root, "file"), "");
  expect(() => makeDirectory(join(root, "file"))).toThrow(/EEXIST/);
  expect(() => makeDirectory(join(root, "file", "below"))).toThrow(/ENOTDIR/);
});

test.runIf(process.platform === "linux")("says so where a parent takes no directories", () => {
  expect(() => makeDirectory("/proc/nothing/here")).toThrow(/ENOENT/);
});
