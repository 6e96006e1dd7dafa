import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { BicoastalError } from "../../base/errors.ts";
import type { InputFile } from "../../plan/task.ts";
import type { InputReader } from "../../ports/inputs.ts";
import { inputError, showPath, unreadable } from "./inputs-errors.ts";

/** Without it, opening a pipe that stands where a file stood would wait for ever. Windows has neither. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads synchronously: a task has a thread to itself, where a call to the thread pool would only add latency. The
 * file is looked at again after each read, so no byte of another version than the one listed is given out.
 */
export class FileReader implements InputReader {
  readonly file: InputFile;
  #descriptor: number | undefined;

  constructor(file: InputFile) {
    this.file = file;
    try {
      this.#descriptor = openSync(file.path, OPEN_FLAGS);
      this.#verify(fstatSync(this.#descriptor));
    } catch (thrown) {
      this.close();
      throw inputError(thrown, file.path);
    }
  }

  get bytes(): number {
    return this.file.sizeBytes;
  }

  readAt(position: number, target: Uint8Array): number {
    const length = Math.min(target.length, this.file.sizeBytes - position);
    if (length <= 0) return 0;
    try {
      const descriptor = this.#open();
      let filled = 0;
      while (filled < length) {
        const got = readSync(descriptor, target, filled, length - filled, position + filled);
        if (got === 0) throw changed(this.file);
        filled += got;
      }
      this.#verify(fstatSync(descriptor));
      return filled;
    } catch (thrown) {
      throw inputError(thrown, this.file.path);
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor;
    throw unreadable(this.file.path, `${showPath(this.file.path)} is read after it was closed.`);
  }

  #verify(stats: Stats): void {
    const { path, sizeBytes, mtimeMs } = this.file;
    if (!stats.isFile()) {
      throw unreadable(
        path,
        `${showPath(path)} was a regular file when the job was submitted, and no longer is.`,
      );
    }
    if (stats.size !== sizeBytes || Math.floor(stats.mtimeMs) !== mtimeMs) throw changed(this.file);
  }
}

function changed(file: InputFile): BicoastalError {
  return new BicoastalError(
    "INPUT_CHANGED",
    `${showPath(file.path)} has changed since the job was submitted, so its parts no longer fit together. ` +
      "Submit the job again; where something still writes to the file, give the job a copy.",
    { details: { file: file.path } },
  );
}
