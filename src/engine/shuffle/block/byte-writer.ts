import { assert } from "../../../base/assert.ts";

assert(
  new Uint8Array(new Uint16Array([1]).buffer)[0] === 1,
  "blocks are little-endian, as every machine is that Node is made for, but for s390x",
);

/** A growing byte array, reused frame after frame. Little-endian. */
export class ByteWriter {
  #bytes: Buffer<ArrayBuffer>;
  #view: DataView<ArrayBuffer>;
  #length = 0;

  constructor(capacityBytes = 64 * 1024) {
    this.#bytes = allocate(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets the content, keeps the room. */
  clear(): void {
    this.#length = 0;
  }

  /** Forgets what was written from there on. */
  rewind(length: number): void {
    assert(length <= this.#length, "what is taken back was written");
    this.#length = length;
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

  /** The same. */
  get bytes(): Buffer<ArrayBuffer> {
    return this.#bytes;
  }

  /** As `reserve`, at the next multiple of `width`, a power of two; zeros lie before it. */
  reserveAligned(width: number, bytes: number): number {
    const gap = -this.#length & (width - 1);
    const start = this.reserve(gap + bytes);
    for (let i = 0; i < gap; i++) this.#bytes[start + i] = 0;
    return start + gap;
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

  text(text: string, encoding: "latin1" | "utf8" | "utf16le", bytes: number): void {
    const at = this.reserve(bytes);
    this.#bytes.write(text, at, bytes, encoding);
  }

  #grow(): void {
    const bytes = allocate(Math.max(this.#length, this.#bytes.length * 2));
    bytes.set(this.#bytes);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }
}

/** Whole words, so that typed arrays of any width fit over it. */
const allocate = (bytes: number): Buffer<ArrayBuffer> =>
  Buffer.from(new ArrayBuffer(Math.ceil(bytes / 8) * 8));
