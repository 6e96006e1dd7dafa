/**
 * Looks at a store's files before LMDB does: LMDB trusts its file, so that rubbish in it, or an end cut off, would
 * kill the process with a signal instead of raising an error.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { codeOf, notOfThisVersion, storeCorrupt, storeError, storeUnavailable } from "./errors.ts";

const PROBE_MS_MAX = 120_000;

// The head of LMDB's data file: two pages that describe the rest, the one with the higher transaction id in force.
const META = { magic: 24, version: 28, pageBytes: 48, lastPage: 144, transaction: 152, bytes: 160 };
const MAGIC = 0xbeefc0de;
const VERSION = 2;

/** Makes the directory where it is missing. Throws STORE_UNAVAILABLE, DISK_FULL. */
export function prepareDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    if (!statSync(directory).isDirectory()) throw storeUnavailable(directory, "it is not a directory");
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    for (const name of ["data.mdb", "lock.mdb"]) assertWritable(join(directory, name));
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST" || code === "ENOTDIR")
      throw storeUnavailable(directory, "it, or a directory above it, is a file", { cause: error });
    if (code === "EACCES" || code === "EPERM" || code === "EROFS")
      throw storeUnavailable(directory, "this user may not write to it", { cause: error });
    throw storeError(error, directory, "failed");
  }
}

function assertWritable(file: string): void {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** Throws STORE_CORRUPT. A file that is missing or empty is a new store's. */
export async function inspectDataFile(directory: string): Promise<void> {
  let shape: FileShape | undefined;
  try {
    shape = readShape(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw storeError(error, directory, "failed");
  }
  if (shape === undefined || shape.bytes >= shape.bytesUsed) return;
  // Pages at the end may be missing where they are free; only reading all that is in use can tell.
  try {
    await probe(directory);
  } catch (cause) {
    const what = `data.mdb has ${shape.bytes} bytes where ${shape.bytesUsed} belong`;
    throw storeCorrupt(directory, what, cause);
  }
}

interface FileShape {
  readonly bytes: number;
  /** The end of the last page that was ever in use. */
  readonly bytesUsed: number;
}

/** Undefined for an empty file. */
function readShape(directory: string): FileShape | undefined {
  const descriptor = openSync(join(directory, "data.mdb"), "r");
  try {
    const first = readMeta(directory, descriptor, 0);
    if (first === undefined) return undefined;
    const second = readMeta(directory, descriptor, first.pageBytes) ?? first;
    const { lastPage } = second.transaction > first.transaction ? second : first;
    // Looked at last: the file only grows, and before its head says so.
    return { bytes: fstatSync(descriptor).size, bytesUsed: (lastPage + 1) * first.pageBytes };
  } finally {
    closeSync(descriptor);
  }
}

function readMeta(directory: string, descriptor: number, position: number) {
  const head = Buffer.alloc(META.bytes);
  const length = readSync(descriptor, head, 0, head.length, position);
  if (length === 0 && position === 0) return undefined;
  const order = head.readUInt32LE(META.magic) === MAGIC ? "LE" : "BE";
  const uint32 = (at: number) => (order === "LE" ? head.readUInt32LE(at) : head.readUInt32BE(at));
  const uint64 = (at: number) => Number(order === "LE" ? head.readBigUInt64LE(at) : head.readBigUInt64BE(at));
  const pageBytes = uint32(META.pageBytes);
  if (length < head.length || uint32(META.magic) !== MAGIC || pageBytes < 512 || pageBytes > 65_536)
    throw storeCorrupt(directory, "data.mdb is not a store, or its beginning was overwritten");
  if ((uint32(META.version) & 0xffff) !== VERSION) throw notOfThisVersion(directory);
  return { pageBytes, lastPage: uint64(META.lastPage), transaction: uint64(META.transaction) };
}

/** Reads everything, in a process of its own, since a page that is missing ends it with SIGBUS. */
async function probe(directory: string): Promise<void> {
  const script = `
    const root = require(process.argv[1]).open({
      path: process.argv[2], noSubdir: false, readOnly: true, keyEncoding: "binary", encoding: "binary",
    });
    root.getStats();
    for (const { value } of root.getRange({})) if (value.length === 0) process.exit(1);`;
  const lmdb = createRequire(import.meta.url).resolve("lmdb");
  // Hardly any store needs this, and every command would wait for it.
  const [{ execFile }, { promisify }] = await Promise.all([
    import("node:child_process"),
    import("node:util"),
  ]);
  await promisify(execFile)(process.execPath, ["-e", script, lmdb, directory], { timeout: PROBE_MS_MAX });
}
