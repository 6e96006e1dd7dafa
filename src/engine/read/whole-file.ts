import { BicoastalError } from "../../base/errors.ts";
import type { FileRow } from "../../plan/node.ts";
import type { InputFile } from "../../plan/task.ts";
import type { Batch, BatchInput } from "../batch.ts";
import type { ByteSource } from "./byte-source.ts";
import { TEXT_BYTES_MAX } from "./record-feed.ts";
import { textOf } from "./record-input.ts";

/** What an array of bytes holds on every Node version, with room to spare. */
const CONTENT_BYTES_MAX = 2 ** 31;
const CHUNK_BYTES = 256 * 1024;

/** One record: a whole file, as text (its byte order mark left out) or as bytes. */
export class WholeFileInput implements BatchInput {
  readonly #source: ByteSource;
  readonly #file: InputFile;
  readonly #as: "text" | "bytes";
  readonly #bytesMax: number;
  #isRead = false;
  #bytesRead = 0;

  constructor(source: ByteSource, file: InputFile, as: "text" | "bytes", recordBytesMax: number) {
    this.#source = source;
    this.#file = file;
    this.#as = as;
    this.#bytesMax = Math.min(recordBytesMax, as === "text" ? TEXT_BYTES_MAX : CONTENT_BYTES_MAX);
  }

  get bytesIn(): number {
    return this.#source.compressedBytes ?? this.#bytesRead;
  }

  next(): undefined | Promise<Batch> {
    if (this.#isRead) return undefined;
    this.#isRead = true;
    return this.#read();
  }

  close(): void {
    this.#isRead = true;
    this.#source.close();
  }

  async #read(): Promise<Batch> {
    const path = this.#file.path;
    // Not sized from the file: a compressed one says nothing of what it holds.
    const chunks: Buffer[] = [];
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      const got = await this.#source.fill(chunk);
      if (got === 0) break;
      this.#bytesRead += got;
      if (this.#bytesRead > this.#bytesMax) throw this.#tooLong();
      chunks.push(chunk.subarray(0, got));
    }
    const content = new Uint8Array(this.#bytesRead);
    let at = 0;
    for (const chunk of chunks) {
      content.set(chunk, at);
      at += chunk.length;
    }
    const row: FileRow = { path, content: this.#as === "bytes" ? content : asText(content) };
    return { rows: [row], count: 1, place: () => ({ file: path }) };
  }

  #tooLong(): BicoastalError {
    const path = this.#file.path;
    return new BicoastalError(
      "RECORD_TOO_LONG",
      `${path} is one record of read.files, and has more than recordBytesMax = ${this.#bytesMax} bytes. ` +
        "Raise recordBytesMax if the file fits in a task's memory; otherwise read it by lines.",
      { details: { file: path, byteOffset: 0 } },
    );
  }
}

function asText(content: Uint8Array): string {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  return textOf({ bytes, start: 0, end: bytes.length, offset: 0 });
}
