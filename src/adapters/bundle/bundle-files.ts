/**
 * Bundles as files that Node can import: `<directory>/<hash>/job.mjs`. Written whole by a rename, so that several
 * threads and processes may do it at once; never changed after, except that the machine which made the bundle
 * writes it with its own paths in the source map.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { threadId } from "node:worker_threads";
import { crc32 } from "node:zlib";
import { BicoastalError } from "../../base/errors.ts";
import type { ContentHash } from "../../base/ids.ts";
import { withSourceRoot } from "./source-map.ts";

/** Key of the blob that holds a bundle. */
export const bundleKey = (hash: ContentHash): string => `bundles/${hash}`;

export interface BundleFilesOptions {
  /** Absolute; made when needed. */
  readonly directory: string;
  /** The bundle's bytes by their hash, from wherever they are stored. Throws BLOB_MISSING. */
  readonly fetch: (hash: ContentHash) => Promise<Uint8Array>;
}

export interface BundleFiles {
  /** Writes the bundle's file; with `root`, stacks name the files below it. Returns its path. */
  write(bundle: { hash: ContentHash; code: Uint8Array; root?: string }): Promise<string>;
  /** Evaluates the module; at most once a process or thread. Rejects with whatever the module throws. */
  load(hash: ContentHash): Promise<unknown>;
}

export function createBundleFiles({ directory, fetch }: BundleFilesOptions): BundleFiles {
  const pathOf = (hash: ContentHash): string => join(directory, hash, "job.mjs");

  const write: BundleFiles["write"] = async ({ hash, code, root }) => {
    await verify(hash, code);
    const text = new TextDecoder().decode(code);
    const sealed = seal(root === undefined ? text : withSourceRoot(text, root));
    const path = pathOf(hash);
    if ((await readIfThere(path)) === sealed) return path;
    await mkdir(join(directory, hash), { recursive: true });
    // The extension says that it is ESM; the file beside it says so to tools that only look there.
    await place(join(directory, hash, "package.json"), '{"type":"module"}\n');
    await place(path, sealed);
    return path;
  };

  return {
    write,
    async load(hash) {
      const path = pathOf(hash);
      if (!isSealed(await readIfThere(path))) await write({ hash, code: await fetch(hash) });
      // Before the import: Node does not read the map of what it has loaded already.
      process.setSourceMapsEnabled(true);
      return await import(pathToFileURL(path).href);
    },
  };
}

const SEAL = "//# bicoastal-crc32=";

/** A power cut may leave a renamed file empty or torn: the last line tells. It moves no line of the source map. */
const seal = (text: string): string => `${text}${SEAL}${crc32(text).toString(16)}\n`;

function isSealed(text: string | undefined): boolean {
  const at = text?.lastIndexOf(SEAL) ?? -1;
  return text !== undefined && at >= 0 && seal(text.slice(0, at)) === text;
}

async function verify(hash: ContentHash, code: Uint8Array): Promise<void> {
  // Threads rarely come here, and start sooner without it.
  const { createHash } = await import("node:crypto");
  const actual = createHash("sha256").update(code).digest("hex");
  if (actual === hash) return;
  throw new BicoastalError(
    "BLOB_CORRUPT",
    `The stored bundle ${hash} has changed: its bytes hash to ${actual}. Submit the job again.`,
    // Another node has one that is whole.
    { retryable: true, details: { hash, actual } },
  );
}

/** Runs of one thread may write the same bundle at the same time. */
let drafts = 0;

/** Appears whole or not at all. */
async function place(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}-${threadId}-${drafts++}.tmp`;
  try {
    await writeFile(draft, text);
    await rename(draft, path);
  } catch (cause) {
    await rm(draft, { force: true });
    const full = (cause as NodeJS.ErrnoException).code === "ENOSPC";
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BicoastalError(
      full ? "DISK_FULL" : "BUNDLE_FAILED",
      `Cannot write the job's bundle to ${path}: ${reason}. Free some space, or choose another data directory.`,
      { retryable: full, details: { path }, cause },
    );
  }
}

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch(() => undefined);
