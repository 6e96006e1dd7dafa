import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory with its parents; no error where it exists. Throws what the system says.
 *
 * Node's own `recursive` never ends where a parent is there and still takes no directories, as in /proc.
 */
export function makeDirectory(path: string): void {
  const parent = dirname(path);
  try {
    mkdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" || parent === path) return unlessDirectory(path, error);
    makeDirectory(parent);
    makeLast(path);
  }
}

function makeLast(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    unlessDirectory(path, error);
  }
}

/** Where it could not be made because it is there (made by another process just now, or a place like `/`), all is well. */
function unlessDirectory(path: string, error: unknown): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
}
