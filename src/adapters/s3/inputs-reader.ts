/**
 * Reads an object in windows, each one request for a range of the version that was listed: bytes of two versions never
 * meet. While one window is taken, the next is on its way, unless it lies beyond what the reader was opened for.
 *
 * Goes forwards. A read of what lies before the last one asks the server again, so that nothing old is given out of
 * memory for what has changed since.
 */
import type { InputFile } from "../../plan/task.ts";
import type { InputReader } from "../../ports/inputs.ts";
import { readingFrom, s3Changed } from "./errors.ts";
import { type Objects, ObjectsError } from "./objects.ts";
import { parseS3Url } from "./url.ts";

/** Of the first window, so that looking at a header costs little; each next one has twice as much, up to the most. */
const WINDOW_BYTES_MIN = 256 * 1024;
const WINDOW_BYTES_MAX = 4 * 1024 * 1024;
/** Of a task's memory, for the window that is taken and the one that comes. */
const WINDOWS_PART = 1 / 8;

/** Beyond the end of a split only the rest of its last record is read. */
const TAIL_BYTES = 16 * 1024;

interface Window {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Coming {
  readonly start: number;
  readonly window: Promise<Window>;
}

export interface S3ReaderOptions {
  /** Where the caller means to stop: nothing is read ahead beyond it. */
  readonly end?: number | undefined;
  /** What one task may use. Default: as much as there is any use for. */
  readonly memoryBytes?: number;
}

export class S3Reader implements InputReader {
  readonly file: InputFile;
  readonly #objects: Objects;
  readonly #end: number;
  readonly #windowBytesMax: number;
  readonly #stop = new AbortController();
  #window: Window = { start: 0, bytes: new Uint8Array(0) };
  #windowBytes = WINDOW_BYTES_MIN;
  #coming: Coming | undefined;
  /** Where the last read ended. */
  #next = 0;

  private constructor(objects: Objects, file: InputFile, options: S3ReaderOptions) {
    this.#objects = objects;
    this.file = file;
    this.#end = Math.min(options.end ?? file.sizeBytes, file.sizeBytes);
    const { memoryBytes = Number.POSITIVE_INFINITY } = options;
    const fitting = Math.min(WINDOW_BYTES_MAX, Math.floor((memoryBytes * WINDOWS_PART) / 2));
    this.#windowBytesMax = Math.max(WINDOW_BYTES_MIN, fitting);
  }

  /** Throws INPUT_CHANGED, INPUT_NOT_FOUND, INPUT_UNREADABLE. */
  static async open(objects: Objects, file: InputFile, options: S3ReaderOptions = {}): Promise<S3Reader> {
    const reader = new S3Reader(objects, file, options);
    // A small object comes whole, which says as much as a look at it, and saves one.
    if (file.sizeBytes > 0 && file.sizeBytes <= WINDOW_BYTES_MIN) reader.#window = await reader.#fetch(0, 1);
    else await reader.#verify();
    return reader;
  }

  get bytes(): number {
    return this.file.sizeBytes;
  }

  readAt(position: number, target: Uint8Array): number | Promise<number> {
    const length = Math.min(target.length, this.file.sizeBytes - position);
    if (length <= 0) return 0;
    if (position < this.#next) this.#forget();
    this.#next = position + length;
    const { start, bytes } = this.#window;
    const isHere = position >= start && position + length <= start + bytes.length;
    if (!isHere) return this.#readLater(position, target.subarray(0, length));
    target.set(bytes.subarray(position - start, position - start + length));
    // What comes over the network can only come between turns of the event loop.
    return this.#coming === undefined ? length : nextTurn().then(() => length);
  }

  close(): void {
    this.#stop.abort();
    this.#forget();
  }

  async #readLater(position: number, target: Uint8Array): Promise<number> {
    for (let filled = 0; filled < target.length; ) {
      const at = position + filled;
      if (!covers(this.#window, at)) this.#window = await this.#windowAt(at, target.length - filled);
      const { start, bytes } = this.#window;
      const part = bytes.subarray(at - start, at - start + target.length - filled);
      target.set(part, filled);
      filled += part.length;
    }
    return target.length;
  }

  async #windowAt(position: number, wanted: number): Promise<Window> {
    const coming = this.#coming;
    this.#coming = undefined;
    const window = await (coming?.start === position ? coming.window : this.#fetch(position, wanted));
    const next = window.start + window.bytes.length;
    if (next < this.#end && !this.#stop.signal.aborted) {
      this.#windowBytes = Math.min(2 * this.#windowBytes, this.#windowBytesMax);
      const ahead = this.#fetch(next, 1);
      // It fails where it is waited for, if ever.
      ahead.catch(() => {});
      this.#coming = { start: next, window: ahead };
    }
    return window;
  }

  async #fetch(start: number, wanted: number): Promise<Window> {
    const { path, sizeBytes, etag } = this.file;
    const until = start < this.#end ? this.#end : sizeBytes;
    const useful = start < this.#end ? this.#windowBytes : TAIL_BYTES;
    const length = Math.max(wanted, Math.min(useful, until - start));
    const range = { start, bytes: Math.min(length, sizeBytes - start) };
    const bytes = await readingFrom(path, () =>
      this.#objects.read(parseS3Url(path), etag ?? "", range, this.#stop.signal),
    );
    return { start, bytes };
  }

  async #verify(): Promise<void> {
    const { path, sizeBytes, etag } = this.file;
    const found = await readingFrom(path, async () => {
      const stat = await this.#objects.stat(parseS3Url(path));
      if (stat === undefined) throw new ObjectsError("absent", "there is none");
      return stat;
    });
    if (found.etag !== etag || found.bytes !== sizeBytes) throw s3Changed(path);
  }

  #forget(): void {
    this.#window = { start: 0, bytes: new Uint8Array(0) };
    this.#coming = undefined;
  }
}

const covers = ({ start, bytes }: Window, position: number): boolean =>
  position >= start && position < start + bytes.length;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
