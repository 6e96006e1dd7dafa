import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { prepareDataDir } from "./data-dir.ts";

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "bicoastal-data-dir-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("makes the directory with its parents, once or many times at once", async () => {
  const root = join(directory(), "a", "b", "c");
  const dirs = await Promise.all(Array.from({ length: 8 }, () => prepareDataDir(root)));
  expect(new Set(dirs.map((dir) => dir.store))).toEqual(new Set([join(root, "store")]));
  expect(readdirSync(root)).toEqual([".gitignore"]);
  writeFileSync(join(root, ".gitignore"), "mine");
  await prepareDataDir(root);
  expect(readFileSync(join(root, ".gitignore"), "utf8")).toBe("mine");
});

test("takes a link to a directory", async () => {
  const made = directory();
  symlinkSync(directory(), join(made, "link"));
  await prepareDataDir(join(made, "link"));
  expect(existsSync(join(made, "link", ".gitignore"))).toBe(true);
});

test("refuses what can be no directory, and names the ways to choose another", async () => {
  const made = directory();
  writeFileSync(join(made, "file"), "");
  symlinkSync("gone", join(made, "dangling"));
  const places = [join(made, "file"), join(made, "file", "below"), join(made, "dangling"), "/dev/null"];
  // There is a parent, and nobody can make anything in it.
  if (process.platform === "linux") places.push("/proc/nothing/here");
  for (const place of places) {
    await expect(prepareDataDir(place)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringMatching(/^Cannot use the data directory .*--data-dir/),
    });
  }
});
