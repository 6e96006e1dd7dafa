import { mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { BicoastalError } from "../../base/errors.ts";

/** Where Bicoastal keeps what; all absolute. */
export interface DataDir {
  readonly root: string;
  readonly store: string;
  readonly blobs: string;
  readonly bundles: string;
  readonly scratch: string;
}

/** Makes the directory where it is missing, hidden from git. Throws STORE_UNAVAILABLE. */
export async function prepareDataDir(path: string): Promise<DataDir> {
  const root = resolve(path);
  try {
    await makeDirectories(root);
    await writeFile(join(root, ".gitignore"), "*\n", { flag: "wx" }).catch(unlessThere);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot use the data directory ${root}: ${reason}. Name another with --data-dir, dataDir or BICOASTAL_DATA_DIR.`;
    throw new BicoastalError("STORE_UNAVAILABLE", message, {
      details: { dataDir: root, outcome: "failed" },
      cause,
    });
  }
  const under = (name: string): string => join(root, name);
  return {
    root,
    store: under("store"),
    blobs: under("blobs"),
    bundles: under("bundles"),
    scratch: under("scratch"),
  };
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
}

/** Node's own `recursive` never ends where a parent is there and still takes no directories, as in /proc. */
async function makeDirectories(path: string): Promise<void> {
  const parent = dirname(path);
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" || parent === path) return unlessDirectory(path, error);
    await makeDirectories(parent);
    await mkdir(path).catch((again: unknown) => unlessDirectory(path, again));
  }
}

/** Where it could not be made because it is there (made by another process just now, or a place like `/`), all is well. */
async function unlessDirectory(path: string, error: unknown): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) throw error;
}
