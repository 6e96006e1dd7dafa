/**
 * Decompression as a stream. Owns the file it reads. At no time are there more than a few chunks in memory, however
 * far the content swells: the decompressor waits until what it gave was taken.
 *
 * zlib checks each member's length and checksum only at its end, so bytes of a corrupt member can be given out
 * before the error: whoever reads must discard all of its work when reading throws.
 */
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { BicoastalError } from "../../base/errors.ts";
import type { InputFile } from "../../plan/task.ts";
import type { InputReader, InputStream } from "../../ports/inputs.ts";
import { showPath, systemCode } from "./inputs-errors.ts";

const COMPRESSED_CHUNK_BYTES = 64 * 1024;
const PLAIN_CHUNK_BYTES = 64 * 1024;

/** Compressed bytes, and whose they are. */
export interface PackedReader extends InputReader {
  readonly file: InputFile;
}

export class GzipStream implements InputStream {
  readonly #reader: PackedReader;
  readonly #gunzip = createGunzip({ chunkSize: PLAIN_CHUNK_BYTES });
  readonly #chunks: AsyncIterator<Uint8Array>;
  #failed: unknown;

  constructor(reader: PackedReader) {
    this.#reader = reader;
    // An error comes out of the iterator too; without a listener, one before the first `next` would end the process.
    this.#gunzip.on("error", () => {});
    this.#chunks = this.#gunzip[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    Readable.from(this.#compressed(), { objectMode: false, highWaterMark: COMPRESSED_CHUNK_BYTES })
      .on("error", (error) => this.#gunzip.destroy(error))
      .pipe(this.#gunzip);
  }

  get bytesConsumed(): number {
    return this.#gunzip.bytesWritten;
  }

  async next(): Promise<Uint8Array | undefined> {
    if (this.#failed !== undefined) throw this.#failed;
    try {
      const { done, value } = await this.#chunks.next();
      if (done !== true) return value;
      await this.#verifyEnd();
      return undefined;
    } catch (thrown) {
      this.#failed = this.#errorOf(thrown);
      throw this.#failed;
    }
  }

  close(): void {
    this.#gunzip.destroy();
    this.#reader.close();
  }

  async *#compressed(): AsyncGenerator<Uint8Array> {
    for (let position = 0; position < this.#reader.bytes; ) {
      const chunk = Buffer.allocUnsafeSlow(COMPRESSED_CHUNK_BYTES);
      const got = await this.#reader.readAt(position, chunk);
      position += got;
      yield chunk.subarray(0, got);
    }
  }

  /**
   * zlib takes a zero after a member as padding and ignores all that follows, be it another member. Padding to the
   * end is harmless (tapes and some tools make it); anything after it would be data lost without a word.
   */
  async #verifyEnd(): Promise<void> {
    const chunk = Buffer.allocUnsafeSlow(COMPRESSED_CHUNK_BYTES);
    for (let position = this.bytesConsumed; position < this.#reader.bytes; ) {
      const got = await this.#reader.readAt(position, chunk);
      const stray = chunk.subarray(0, got).findIndex((byte) => byte !== 0);
      if (stray !== -1) throw this.#corrupt("data after the end", position + stray, undefined);
      position += got;
    }
  }

  #errorOf(thrown: unknown): unknown {
    if (!systemCode(thrown).startsWith("Z_")) return thrown;
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return this.#corrupt(reason, this.bytesConsumed, thrown);
  }

  #corrupt(reason: string, offset: number, cause: unknown): BicoastalError {
    const path = this.#reader.file.path;
    return new BicoastalError(
      "INPUT_CORRUPT",
      `${showPath(path)} is not a whole gzip file: ${reason}, at or after compressed byte ${offset} of ` +
        `${this.#reader.bytes}. Fetch or make the file again ("gzip -t" tests it).`,
      { details: { file: path, byteOffset: offset }, cause },
    );
  }
}
