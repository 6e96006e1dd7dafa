import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { scratchContract } from "../../ports/scratch.contract.ts";
import { createFileScratch, scratchRoomOf, sweepScratch } from "./scratch.ts";

const directories: string[] = [];
const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), "bicoastal-scratch-"));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});

scratchContract("files", () => {
  const path = join(directory(), "job", "scratch");
  return {
    scratch: createFileScratch(path),
    filesLeft: () => (existsSync(path) ? readdirSync(path).length : 0),
  };
});

it("lets two tasks share a directory", () => {
  const path = directory();
  const first = createFileScratch(path);
  const second = createFileScratch(path);
  first.create().append(Buffer.from("one"));
  const kept = second.create();
  kept.append(Buffer.from("two"));
  first.dispose();
  expect(readdirSync(path)).toHaveLength(1);
  const target = new Uint8Array(3);
  kept.readAt(0, target);
  expect(Buffer.from(target).toString()).toBe("two");
  second.dispose();
  expect(readdirSync(path)).toEqual([]);
});

it("says where it could not write", () => {
  const path = join(directory(), "file");
  writeFileSync(path, "in the way");
  expect(() => createFileScratch(path).create()).toThrowError(
    expect.objectContaining({ code: "STORE_UNAVAILABLE", message: expect.stringContaining(path) }),
  );
});

it("sweeps the rooms of processes that are gone, and nothing else", async () => {
  const path = directory();
  const mine = createFileScratch(join(path, scratchRoomOf("t0")));
  mine.create().append(Buffer.from("in use"));
  for (const room of ["77-t0", "77-main", "78-t0", "7-main", "somebody's", "77"]) mkdirSync(join(path, room));
  writeFileSync(join(path, "77-t0", "spill"), "x");
  await sweepScratch(path, (pid) => pid === 77 || pid === 7);
  expect(readdirSync(path).sort()).toEqual(["77", "78-t0", scratchRoomOf("t0"), "somebody's"].sort());
  expect(readdirSync(join(path, scratchRoomOf("t0")))).toHaveLength(1);
  mine.dispose();
  await sweepScratch(join(path, "not-there"), () => true);
});
