import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { BicoastalError } from "../../base/errors.ts";
import { makeDirectory } from "./make-directory.ts";

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
    makeDirectory(root);
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
