import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isOnGlibc, loadLmdb } from "./load-lmdb.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "load-lmdb-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

/** The head of a program, as far as it names what links it. */
function program(linker: string): string {
  const path = join(directory, "program");
  writeFileSync(path, `\x7fELF${"\0".repeat(300)}${linker}\0${"\0".repeat(4000)}`);
  return path;
}

test("LMDB is loaded, and the environment stays as it was", () => {
  const before = { ...process.env };
  expect(typeof loadLmdb().open).toBe("function");
  expect({ ...process.env }).toEqual(before);
});

describe.runIf(process.platform === "linux")("which C library a program is linked with", () => {
  test("is told by the path of its linker", () => {
    expect(isOnGlibc(program("/lib64/ld-linux-x86-64.so.2"))).toBe(true);
    expect(isOnGlibc(program("/lib/ld-linux-aarch64.so.1"))).toBe(true);
    expect(isOnGlibc(program("/lib/ld-musl-x86_64.so.1"))).toBe(false);
  });

  test("is not known of what is no program, or cannot be read", () => {
    expect(isOnGlibc(program("nothing of the kind"))).toBe(false);
    expect(isOnGlibc(join(directory, "absent"))).toBe(false);
    expect(isOnGlibc(directory)).toBe(false);
  });

  test("is not said of a Node that has another", () => {
    const { glibcVersionRuntime } = (
      process.report.getReport() as { header: { glibcVersionRuntime?: string } }
    ).header;
    // Where a system keeps its linker elsewhere, it is not known, and that is no mistake.
    expect(isOnGlibc() && glibcVersionRuntime === undefined).toBe(false);
  });
});
