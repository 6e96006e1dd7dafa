/** Gathers lines of text and appends them to an output file in large pieces, gzipped where asked for. */
import type { Gzip } from "../../ports/codec.ts";
import type { OutputWriter } from "../../ports/outputs.ts";

/** Characters gathered before they are encoded. Fixed: where pieces end decides the bytes of a gzip file. */
const CHUNK_CHARS = 256 * 1024;

/** A concatenation of gzip members is a gzip file, so each piece becomes a member of its own. */
export class TextFile {
  readonly #writer: OutputWriter;
  readonly #gzip: Gzip | undefined;
  #text = "";
  #buffer: Buffer | undefined;
  #pieces = 0;

  constructor(writer: OutputWriter, gzip: Gzip | undefined) {
    this.#writer = writer;
    this.#gzip = gzip;
  }

  /** Bytes that reached the file. */
  get bytes(): number {
    return this.#writer.bytes;
  }

  /** Adds one line; the line end is added here. */
  line(text: string): void {
    this.#text += text;
    this.#text += "\n";
    if (this.#text.length >= CHUNK_CHARS) this.#flush();
  }

  /** Adds whole lines, with their line ends, as a piece of their own. */
  lines(bytes: Uint8Array): void {
    if (this.#text !== "") this.#flush();
    this.#pieces++;
    this.#writer.append(this.#gzip === undefined ? bytes : this.#gzip(bytes));
  }

  /** Gives the name by which the commit finds the file. */
  async close(): Promise<string> {
    // An empty gzip file has one empty member: no bytes at all would be a broken file.
    if (this.#text !== "" || (this.#gzip !== undefined && this.#pieces === 0)) this.#flush();
    return this.#writer.close();
  }

  abort(): void {
    this.#writer.abort();
  }

  #flush(): void {
    const text = this.#text;
    this.#text = "";
    this.#pieces++;
    const bytes = this.#encode(text);
    this.#writer.append(this.#gzip === undefined ? bytes : this.#gzip(bytes));
  }

  #encode(text: string): Uint8Array {
    if (text.length > 2 * CHUNK_CHARS) return Buffer.from(text);
    this.#buffer ??= Buffer.allocUnsafeSlow(2 * CHUNK_CHARS * 3);
    return this.#buffer.subarray(0, this.#buffer.write(text));
  }
}
