import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { callerFile, toAbsolutePath } from "./call-site.ts";

test("the file of whoever called", () => {
  const callee = (): string | undefined => callerFile(callee);
  expect(callee()).toBe(fileURLToPath(import.meta.url));
});

test.each([
  ["/a/b.ts", "/a/b.ts"],
  ["file:///a/b%20c.ts", "/a/b c.ts"],
  ["C:\\a\\b.ts", "C:\\a\\b.ts"],
  ["file:///C:/a/b.ts", "C:\\a\\b.ts"],
  ["file:///a/[id].ts", "/a/[id].ts"],
  ["file://host/a.ts", undefined],
  ["file:///a%ZZ.ts", undefined],
  ["node:internal/x", undefined],
  ["b.ts", undefined],
  ["REPL1", undefined],
  // Node's names for texts given to --eval or on stdin.
  ["file:///work/[eval1]", undefined],
  ["/work/[eval]", undefined],
  ["/work/[stdin]", undefined],
])("%s is %s", (place, path) => {
  expect(toAbsolutePath(place)).toBe(path);
});
