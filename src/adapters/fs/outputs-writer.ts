import { closeSync, fsync, openSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { assert } from "../../base/assert.ts";
import type { OutputWriter } from "../../ports/outputs.ts";
import { makeDirectory } from "./make-directory.ts";
import { outputError } from "./outputs-errors.ts";
import { outputFiles } from "./outputs-files.ts";
import type { OutputPaths } from "./outputs-paths.ts";

const sync = promisify(fsync);

export class FileOutputWriter implements OutputWriter {
  bytes = 0;
  readonly #path: string;
  readonly #paths: OutputPaths;
  #descriptor: number | undefined;

  constructor(paths: OutputPaths, staged: string) {
    this.#paths = paths;
    this.#path = join(paths.staging, staged);
    this.#descriptor = this.#guard(() => {
      makeDirectory(paths.staging);
      return openSync(this.#path, "w");
    });
  }

  append(bytes: Uint8Array): void {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, "a closed output file is not written to");
    this.#guard(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    });
    this.bytes += bytes.length;
  }

  async close(): Promise<void> {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, "an output file is closed once");
    try {
      await sync(descriptor);
      this.#descriptor = undefined;
      closeSync(descriptor);
      await outputFiles.syncDirectory(this.#paths.staging);
      await outputFiles.syncDirectory(this.#paths.parent);
    } catch (error) {
      throw outputError(error, this.#paths.target);
    }
  }

  abort(): void {
    if (this.#descriptor === undefined) return;
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    try {
      closeSync(descriptor);
      unlinkSync(this.#path);
    } catch {
      // What stays behind lies in staging, which is deleted with the job's end.
    }
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw outputError(error, this.#paths.target);
    }
  }
}
