/**
 * The few operations on files that committing an output is made of. Each is one step that a crash can come before
 * or after, which is how the tests enumerate crashes.
 */
import { lstat, open, readdir, readFile, rename, rmdir, unlink } from "node:fs/promises";
import { makeDirectory } from "./make-directory.ts";
import { outputErrorCode } from "./outputs-errors.ts";

export type PathKind = "none" | "file" | "directory" | "link" | "other";

export interface OutputFiles {
  kind(path: string): Promise<PathKind>;
  /** undefined where there is none. */
  fileBytes(path: string): Promise<number | undefined>;
  /** Names in ascending order; undefined where there is no such directory. */
  entries(directory: string): Promise<readonly string[] | undefined>;
  /** undefined where there is none. */
  readText(path: string): Promise<string | undefined>;
  /** With its parents; no error where it exists. */
  makeDirectory(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Durable when it resolves, but its name. */
  writeText(path: string, text: string): Promise<void>;
  /** No error where it does not exist. */
  removeFile(path: string): Promise<void>;
  /** Whether it is gone: false where it is not empty. */
  removeDirectory(path: string): Promise<boolean>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

export const outputFiles: OutputFiles = {
  async kind(path) {
    const stats = await unlessMissing(lstat(path));
    if (stats === undefined) return "none";
    if (stats.isSymbolicLink()) return "link";
    return stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
  },
  async fileBytes(path) {
    return (await unlessMissing(lstat(path)))?.size;
  },
  async entries(directory) {
    return (await unlessMissing(readdir(directory)))?.sort();
  },
  readText: (path) => unlessMissing(readFile(path, "utf8")),
  async makeDirectory(path) {
    makeDirectory(path);
  },
  rename,
  async writeText(path, text) {
    const file = await open(path, "w");
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  },
  async removeFile(path) {
    await unlessMissing(unlink(path));
  },
  async removeDirectory(path) {
    try {
      await unlessMissing(rmdir(path));
      return true;
    } catch (error) {
      const code = outputErrorCode(error);
      if (code === "ENOTEMPTY" || code === "EEXIST") return false;
      throw error;
    }
  },
  async syncDirectory(path) {
    const directory = await open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    const code = outputErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
