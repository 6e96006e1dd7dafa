import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
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
  readonly logs: string;
}

/** The names alone: nothing is made. */
export function dataDirAt(path: string): DataDir {
  const root = resolve(path);
  const under = (name: string): string => join(root, name);
  return {
    root,
    store: under("store"),
    blobs: under("blobs"),
    bundles: under("bundles"),
    scratch: under("scratch"),
    logs: under("logs"),
  };
}

/** Makes the directory where it is missing, hidden from git. Throws STORE_UNAVAILABLE. */
export async function prepareDataDir(path: string): Promise<DataDir> {
  const dirs = dataDirAt(path);
  const { root } = dirs;
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
  return dirs;
}

/** The name of the node that lives in this data directory; drawn when it is first asked for. */
export async function nodeNameOf(root: string): Promise<string> {
  const file = join(root, "node-name");
  const drawn = `${hostname().replace(/[^A-Za-z0-9._-]/g, "-")}-${randomBytes(3).toString("hex")}`;
  await writeFile(file, drawn, { flag: "wx" }).catch(unlessThere);
  const name = (await readFile(file, "utf8")).trim();
  if (/^[A-Za-z0-9._-]{1,200}$/.test(name)) return name;
  throw new BicoastalError(
    "STORE_UNAVAILABLE",
    `The file ${file} does not hold the name of a node. Remove it, or name the node with --name.`,
    { details: { file, outcome: "failed" } },
  );
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
}
