/**
 * Scratch as files in one directory, deleted by `dispose`. Each thread has a directory of its own, named after its
 * process, so that what a killed process left is known for what it is, and swept by a later one.
 */
import { closeSync, openSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import { readFully, writeFully } from "./blobs.ts";
import { codeOf, readError, writeError } from "./blobs-errors.ts";
import { makeDirectory } from "./make-directory.ts";

/** @param directory Made when the first file is. */
export function createFileScratch(directory: string): Scratch {
  /** Few tasks spill. */
  let files: Set<FileScratchFile> | undefined;
  return {
    create() {
      files ??= new Set();
      const open = files;
      const file = new FileScratchFile(directory, (done) => open.delete(done));
      open.add(file);
      return file;
    },
    dispose() {
      if (files !== undefined) for (const file of [...files]) file.dispose();
    },
  };
}

/** A directory for scratch of this process. `thread`: unique in it. */
export const scratchRoomOf = (thread: string): string => `${process.pid}-${thread}`;

/**
 * Deletes the rooms of processes that are gone. Where two machines share the directory, one may take the other's
 * process for gone: then a room goes whose files are open, which stay readable until they are closed.
 */
export async function sweepScratch(directory: string, isGone: (pid: number) => boolean): Promise<void> {
  // What cannot be listed or deleted does no harm but for its size.
  for (const room of await readdir(directory).catch(() => [])) {
    const pid = Number(/^(\d+)-/.exec(room)?.[1] ?? Number.NaN);
    if (Number.isNaN(pid) || !isGone(pid)) continue;
    await rm(join(directory, room), { recursive: true, force: true }).catch(() => {});
  }
}

class FileScratchFile implements ScratchFile {
  bytes = 0;
  readonly #path: string;
  readonly #onDispose: (file: FileScratchFile) => void;
  #descriptor: number | undefined;

  constructor(directory: string, onDispose: (file: FileScratchFile) => void) {
    this.#onDispose = onDispose;
    try {
      makeDirectory(directory);
      [this.#descriptor, this.#path] = openNew(directory);
    } catch (error) {
      throw writeError(error, directory, "scratch");
    }
  }

  append(bytes: Uint8Array): number {
    const position = this.bytes;
    try {
      writeFully(this.#open(), bytes);
    } catch (error) {
      throw writeError(error, this.#path, "scratch");
    }
    this.bytes += bytes.length;
    return position;
  }

  readAt(position: number, target: Uint8Array): number {
    try {
      return readFully(this.#open(), position, target);
    } catch (error) {
      throw readError(error, this.#path, "scratch");
    }
  }

  dispose(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
    rmSync(this.#path, { force: true });
    this.#onDispose(this);
  }

  #open(): number {
    assert(this.#descriptor !== undefined, "scratch is not used after it was disposed of");
    return this.#descriptor;
  }
}

const NAMES_MAX = 10_000;
let names = 0;

function openNew(directory: string): [number, string] {
  for (let i = 0; i < NAMES_MAX; i++) {
    const path = join(directory, `${process.pid}-${threadId}-${names++}`);
    try {
      return [openSync(path, "wx+"), path];
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
  }
  throw new BicoastalError("STORE_UNAVAILABLE", `${directory} is full of old scratch files. Delete them.`);
}
