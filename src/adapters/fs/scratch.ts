/**
 * Scratch as files in one directory, deleted by `dispose`. What a killed process left goes with the directory,
 * which belongs to one job; hence the names are tried in turn.
 */
import { closeSync, mkdirSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { threadId } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { Scratch, ScratchFile } from "../../ports/scratch.ts";
import { readFully, writeFully } from "./blobs.ts";
import { codeOf, readError, writeError } from "./blobs-errors.ts";

/** @param directory Made when the first file is. */
export function createFileScratch(directory: string): Scratch {
  const files = new Set<FileScratchFile>();
  return {
    create() {
      const file = new FileScratchFile(directory, (done) => files.delete(done));
      files.add(file);
      return file;
    },
    dispose() {
      for (const file of [...files]) file.dispose();
    },
  };
}

class FileScratchFile implements ScratchFile {
  bytes = 0;
  readonly #path: string;
  readonly #onDispose: (file: FileScratchFile) => void;
  #descriptor: number | undefined;

  constructor(directory: string, onDispose: (file: FileScratchFile) => void) {
    this.#onDispose = onDispose;
    try {
      mkdirSync(directory, { recursive: true });
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
