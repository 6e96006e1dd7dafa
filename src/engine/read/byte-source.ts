import type { InputReader, InputStream } from "../../ports/inputs.ts";

/** Bytes in order, for the record feed: the next part of a plain file, or of what a compressed one holds. */
export interface ByteSource {
  /** Puts the next bytes at the start of `target`; returns how many, 0 only at the end. */
  fill(target: Uint8Array): number | Promise<number>;
  /** Stored bytes consumed, where they are others than the feed counts: those of a compressed file. */
  readonly compressedBytes: number | undefined;
  close(): void;
}

export class PlainBytes implements ByteSource {
  readonly compressedBytes = undefined;
  readonly #reader: InputReader;
  #position: number;

  constructor(reader: InputReader, position: number) {
    this.#reader = reader;
    this.#position = position;
  }

  fill(target: Uint8Array): number | Promise<number> {
    const got = this.#reader.readAt(this.#position, target);
    if (typeof got === "number") return this.#advance(got);
    return got.then((bytes) => this.#advance(bytes));
  }

  close(): void {
    this.#reader.close();
  }

  #advance(bytes: number): number {
    this.#position += bytes;
    return bytes;
  }
}

export class GzipBytes implements ByteSource {
  readonly #stream: InputStream;
  /** What the last chunk had and no target took. */
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: InputStream) {
    this.#stream = stream;
  }

  get compressedBytes(): number {
    return this.#stream.bytesConsumed;
  }

  fill(target: Uint8Array): number | Promise<number> {
    return this.#rest.length > 0 ? this.#take(target) : this.#fillLater(target);
  }

  close(): void {
    this.#stream.close();
  }

  async #fillLater(target: Uint8Array): Promise<number> {
    const chunk = await this.#stream.next();
    if (chunk === undefined) return 0;
    this.#rest = chunk;
    return this.#take(target);
  }

  #take(target: Uint8Array): number {
    const bytes = Math.min(target.length, this.#rest.length);
    target.set(this.#rest.subarray(0, bytes));
    this.#rest = this.#rest.subarray(bytes);
    return bytes;
  }
}
