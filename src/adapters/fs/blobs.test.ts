import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { blobStoreContract } from "../../ports/blob-store.contract.ts";
import { createFileBlobs } from "./blobs.ts";
import { readError, writeError } from "./blobs-errors.ts";

const directories: string[] = [];
const directory = (): string => {
  const made = mkdtempSync(join(tmpdir(), "bicoastal-blobs-"));
  directories.push(made);
  return made;
};
afterEach(() => {
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true });
});

blobStoreContract("files", async () => ({
  blobs: createFileBlobs(join(directory(), "not", "there", "yet")),
  dispose: async () => {},
}));

it("gets by the unfinished file of a process that was killed and had the same name", async () => {
  const root = directory();
  const blobs = createFileBlobs(root);
  const writer = blobs.create("k");
  const [unfinished] = readdirSync(root);
  writer.abort();
  // The next names this process would take are taken.
  const counter = Number(unfinished?.split("-").at(-1));
  for (let i = 1; i < 5; i++)
    writeFileSync(join(root, unfinished!.replace(/\d+$/, String(counter + i))), "old");
  await blobs.put("k", Buffer.from("new"));
  expect(Buffer.from(await blobs.get("k")).toString()).toBe("new");
  expect(await blobs.list("")).toEqual(["k"]);
  await blobs.deleteAll("k");
  expect(readdirSync(root)).toEqual([]);
});

it("says that a directory cannot be written", () => {
  const root = directory();
  writeFileSync(join(root, "file"), "in the way");
  expect(() => createFileBlobs(join(root, "file")).create("a/b")).toThrowError(
    expect.objectContaining({ code: "STORE_UNAVAILABLE", retryable: true }),
  );
});

it("does not take a directory for a blob", async () => {
  const root = directory();
  mkdirSync(join(root, "folder"));
  await expect(createFileBlobs(root).open("folder")).rejects.toMatchObject({ code: "BLOB_MISSING" });
  await expect(createFileBlobs(root).get("folder")).rejects.toMatchObject({ details: { key: "folder" } });
});

it("tells a full disk, a missing file, a bad disk and too many open files apart", () => {
  const failure = (code: string): Error => Object.assign(new Error(code), { code });
  expect(writeError(failure("ENOSPC"), "/d/k", "k")).toMatchObject({
    code: "DISK_FULL",
    details: { key: "k" },
  });
  expect(writeError(failure("EACCES"), "/d/k", "k")).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(readError(failure("ENOENT"), "/d/k", "k")).toMatchObject({
    code: "BLOB_MISSING",
    details: { key: "k" },
  });
  expect(readError(failure("EIO"), "/d/k", "k")).toMatchObject({
    code: "BLOB_CORRUPT",
    details: { key: "k" },
  });
  // Making good blocks again would not close a file.
  expect(readError(failure("EMFILE"), "/d/k", "k")).toMatchObject({ code: "STORE_UNAVAILABLE" });
});
