/**
 * Blobs as files below one directory, each at the path of its key.
 *
 * A blob is written beside its place under a name with a `~`, which no key contains, and appears by one rename.
 * `put` waits until its bytes are on disk, because specs and bundles are named by a log that is; blocks do not,
 * because they are checksummed and can be made again.
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { threadId } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import { assertBlobKey, type BlobReader, type BlobStore, type BlobWriter } from "../../ports/blob-store.ts";
import { codeOf, readError, writeError } from "./blobs-errors.ts";
import { makeDirectory } from "./make-directory.ts";

/** @param directory Made when the first blob is written. */
export function createFileBlobs(directory: string): BlobStore {
  const pathOf = (key: string): string => {
    assertBlobKey(key);
    return join(directory, ...key.split("/"));
  };
  return {
    async put(key, bytes) {
      const writer = new FileBlobWriter(pathOf(key), key);
      try {
        writer.append(bytes);
        await writer.commit(true);
      } finally {
        writer.abort();
      }
    },
    async get(key) {
      const path = pathOf(key);
      try {
        return await readFile(path);
      } catch (error) {
        throw readError(error, path, key);
      }
    },
    async has(key) {
      return isFile(pathOf(key), key);
    },
    create: (key) => new FileBlobWriter(pathOf(key), key),
    async open(key) {
      return new FileBlobReader(pathOf(key), key);
    },
    async list(prefix) {
      return namesUnder(directory, prefix)
        .filter((name) => !name.includes("~"))
        .sort();
    },
    async deleteAll(prefix, kept = new Set()) {
      deleteUnder(directory, prefix, kept);
    },
  };
}

class FileBlobWriter implements BlobWriter {
  bytes = 0;
  readonly #path: string;
  readonly #key: string;
  readonly #temporary: string;
  #descriptor: number | undefined;

  constructor(path: string, key: string) {
    this.#path = path;
    this.#key = key;
    try {
      makeDirectory(dirname(path));
      [this.#descriptor, this.#temporary] = openTemporary(path);
    } catch (error) {
      throw writeError(error, path, key);
    }
  }

  append(bytes: Uint8Array): void {
    try {
      writeFully(this.#open(), bytes);
    } catch (error) {
      throw writeError(error, this.#path, this.#key);
    }
    this.bytes += bytes.length;
  }

  async commit(durable = false): Promise<void> {
    if (durable) this.#sync();
    const descriptor = this.#open();
    this.#descriptor = undefined;
    try {
      closeSync(descriptor);
      renameSync(this.#temporary, this.#path);
    } catch (error) {
      rmSync(this.#temporary, { force: true });
      throw writeError(error, this.#path, this.#key);
    }
  }

  abort(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
    rmSync(this.#temporary, { force: true });
  }

  #sync(): void {
    try {
      fsyncSync(this.#open());
    } catch (error) {
      throw writeError(error, this.#path, this.#key);
    }
  }

  #open(): number {
    assert(this.#descriptor !== undefined, "a blob is not written after commit or abort");
    return this.#descriptor;
  }
}

/** A file can be read anywhere at any time. */
const READY = Promise.resolve();

class FileBlobReader implements BlobReader {
  readonly bytes: number;
  readonly #path: string;
  readonly #key: string;
  #descriptor: number | undefined;

  constructor(path: string, key: string) {
    this.#path = path;
    this.#key = key;
    try {
      this.#descriptor = openSync(path, "r");
      const stat = fstatSync(this.#descriptor);
      if (!stat.isFile()) {
        this.close();
        throw Object.assign(new Error("it is a directory"), { code: "ENOENT" });
      }
      this.bytes = stat.size;
    } catch (error) {
      throw readError(error, path, key);
    }
  }

  prepare(): Promise<void> {
    return READY;
  }

  readAt(position: number, target: Uint8Array): number {
    assert(this.#descriptor !== undefined, "a blob is not read after it was closed");
    try {
      return readFully(this.#descriptor, position, target);
    } catch (error) {
      throw readError(error, this.#path, this.#key);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function isFile(path: string, key: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    const reason = readError(error, path, key);
    if (reason.code === "BLOB_MISSING") return false;
    throw reason;
  }
}

/** A process that was killed may have left a file under the same name, so that names are tried in turn. */
const TEMPORARY_NAMES_MAX = 10_000;
let temporaries = 0;

function openTemporary(path: string): [number, string] {
  for (let i = 0; i < TEMPORARY_NAMES_MAX; i++) {
    const temporary = `${path}~${process.pid}-${threadId}-${temporaries++}`;
    try {
      return [openSync(temporary, "wx"), temporary];
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  throw new BicoastalError(
    "STORE_UNAVAILABLE",
    `${dirname(path)} is full of unfinished files. Delete those with a ~ in their names.`,
  );
}

/** A write may take fewer bytes than it was given. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
}

/** A read may give fewer bytes than there are. */
export function readFully(descriptor: number, position: number, target: Uint8Array): number {
  let done = 0;
  while (done < target.length) {
    const read = readSync(descriptor, target, done, target.length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}

/** Every file below, unfinished ones too, as `/`-separated names that start with the prefix. */
function namesUnder(directory: string, prefix: string): string[] {
  const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
  if (folder !== "") assertBlobKey(folder.slice(0, -1));
  let entries: ReturnType<typeof listFiles>;
  try {
    entries = listFiles(join(directory, folder));
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw readError(error, join(directory, folder), prefix);
  }
  return entries.map((name) => folder + name).filter((name) => name.startsWith(prefix));
}

function listFiles(folder: string, under = ""): string[] {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? listFiles(folder, `${under}${entry.name}/`) : [under + entry.name],
  );
}

function deleteUnder(directory: string, prefix: string, kept: ReadonlySet<string>): void {
  try {
    const names = namesUnder(directory, prefix);
    for (const name of names) if (!kept.has(name)) rmSync(join(directory, name), { force: true });
    // Empty folders go too, unless something in them stays.
    if (prefix.endsWith("/") && !names.some((name) => kept.has(name)))
      rmSync(join(directory, prefix), { recursive: true, force: true });
  } catch (error) {
    throw error instanceof BicoastalError ? error : writeError(error, join(directory, prefix), prefix);
  }
}
