/**
 * A staged file that is durable when it is closed, name and all. A thread that waited for the disk only then would do nothing
 * meanwhile, task after task: so the file's name is made durable while the first bytes are still computed, and what is written is
 * on its way to the disk while the rest is. Each is one call to the thread pool, as a task that computes takes no notice of what
 * has ended until it has.
 */
import { closeSync, fdatasync, fsync, openSync, unlinkSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { assert } from "../../base/assert.ts";
import type { OutputWriter } from "../../ports/outputs.ts";
import { outputError } from "./outputs-errors.ts";
import type { OutputPaths } from "./outputs-paths.ts";
import type { StagedFile } from "./outputs-staging.ts";

const sync = promisify(fsync);
const syncData = promisify(fdatasync);

/** So much is written before the disk is asked for it. */
const AHEAD_BYTES = 8 * 1024 * 1024;
/** How often it is asked before it is known to have done any of it: threads of the pool are few, and others need them. */
const ASKED_MAX = 3;

export class FileOutputWriter implements OutputWriter {
  bytes = 0;
  readonly #path: string;
  readonly #paths: OutputPaths;
  readonly #staged: string;
  readonly #named: Promise<unknown>;
  /** Of its bytes. What they fail of, `close` tells. */
  readonly #asked = new Set<Promise<void>>();
  #descriptor: number | undefined;
  /** The bytes that the disk was asked for. */
  #askedBytes = 0;

  constructor(paths: OutputPaths, staged: string, { path, descriptor }: StagedFile) {
    this.#paths = paths;
    this.#staged = staged;
    this.#path = path;
    this.#descriptor = descriptor;
    this.#named = unheard(Promise.all([syncDirectory(paths.staging), syncDirectory(paths.parent)]));
  }

  append(bytes: Uint8Array): void {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, "a closed output file is not written to");
    this.#guard(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
    });
    this.bytes += bytes.length;
    if (this.bytes - this.#askedBytes >= AHEAD_BYTES && this.#asked.size < ASKED_MAX) this.#ask(descriptor);
  }

  async close(): Promise<string> {
    const descriptor = this.#descriptor;
    assert(descriptor !== undefined, "an output file is closed once");
    try {
      await Promise.all(this.#asked);
      await sync(descriptor);
      this.#descriptor = undefined;
      closeSync(descriptor);
      await this.#named;
      return this.#staged;
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

  #ask(descriptor: number): void {
    this.#askedBytes = this.bytes;
    const asked = unheard(syncData(descriptor));
    this.#asked.add(asked);
    void asked.then(
      () => this.#asked.delete(asked),
      () => {},
    );
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw outputError(error, this.#paths.target);
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  const descriptor = openSync(path, "r");
  try {
    await sync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** What it fails of is told to whoever awaits it, as `close` does; an attempt that is aborted never does. */
function unheard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
