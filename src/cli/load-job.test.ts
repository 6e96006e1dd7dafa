import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checkJobFile, guardLoading } from "./load-job.ts";

test("what is no file is a wrong command line, in words", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-load-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  symlinkSync("loop", join(directory, "loop"));
  symlinkSync("gone", join(directory, "dangling"));
  const told = async (file: string): Promise<unknown> =>
    await checkJobFile(file, directory).then(
      () => "a file",
      (error: { code: string; message: string }) => [error.code, error.message.replace(/\. FILE is.*/s, "")],
    );
  expect(await told("nowhere.ts")).toEqual(["USAGE", '"nowhere.ts" does not exist']);
  expect(await told("dangling")).toEqual(["USAGE", '"dangling" does not exist']);
  expect(await told("loop")).toEqual(["USAGE", '"loop" is a link that leads to itself']);
  expect(await told(".")).toEqual(["USAGE", '"." is a directory']);
  expect(await told("/dev/zero")).toEqual(["USAGE", '"/dev/zero" is not a regular file']);
  expect(await told("a\0b")).toEqual(["USAGE", '"a\\u0000b" is not the name of a file']);
  expect(await told("x".repeat(5000))).toEqual(["USAGE", expect.stringContaining("too long")]);
  expect(await told(import.meta.filename)).toBe("a file");
});

test("a module that calls process.exit, or never ends loading, fails with words", async () => {
  const exit = process.exit;
  await expect(guardLoading("a.ts", async () => process.exit(3))).rejects.toMatchObject({
    code: "BUNDLE_FAILED",
    message: '"a.ts" calls process.exit(3) while it is loaded.',
  });
  const never = guardLoading("a.ts", () => new Promise(() => {}));
  process.emit("beforeExit", 0);
  await expect(never).rejects.toMatchObject({
    code: "BUNDLE_FAILED",
    message: expect.stringContaining("never ends"),
  });
  expect(process.exit).toBe(exit);
  expect(await guardLoading("a.ts", () => Promise.resolve(7))).toBe(7);
});
