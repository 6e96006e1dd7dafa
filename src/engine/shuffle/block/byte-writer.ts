/** A growing byte array, reused frame after frame. Little-endian. */
export class ByteWriter {
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;

  constructor(capacityBytes = 64 * 1024) {
    this.#bytes = Buffer.from(new ArrayBuffer(capacityBytes));
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets the content, keeps the room. */
  clear(): void {
    this.#length = 0;
  }

  /** What was written, valid until the next write. */
  written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for so many bytes and counts them as written; returns where they begin. Their content is old. */
  reserve(bytes: number): number {
    const start = this.#length;
    this.#length = start + bytes;
    if (this.#length > this.#bytes.length) this.#grow();
    return start;
  }

  /** For filling what was reserved; stale after the next `reserve`. */
  get view(): DataView {
    return this.#view;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.#view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.#view.setUint32(at, value, true);
  }

  /** A whole number up to 2^53, in 8 bytes. */
  u53(value: number): void {
    const at = this.reserve(8);
    this.#view.setUint32(at, value % 0x100000000, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x100000000), true);
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  text(text: string, encoding: "latin1" | "utf16le", bytes: number): void {
    const at = this.reserve(bytes);
    this.#bytes.write(text, at, bytes, encoding);
  }

  #grow(): void {
    const bytes = Buffer.from(new ArrayBuffer(Math.max(this.#length, this.#bytes.length * 2)));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}
