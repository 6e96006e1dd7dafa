/** Appends numbers and byte strings to an array that grows. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  uint32(value: number): void {
    const position = this.#room(4);
    this.#view.setUint32(position, value);
  }

  float64(value: number): void {
    const position = this.#room(8);
    this.#view.setFloat64(position, value);
  }

  /** With their length in front. */
  bytes(bytes: Uint8Array): void {
    this.uint32(bytes.length);
    const position = this.#room(bytes.length);
    this.#bytes.set(bytes, position);
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Returns where the next so many bytes go. Must come first: it may replace the view. */
  #room(bytes: number): number {
    const position = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(this.#length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return position;
  }
}

/** The way back; throws RangeError beyond the end. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint32(): number {
    const value = this.#view.getUint32(this.#position);
    this.#position += 4;
    return value;
  }

  float64(): number {
    const value = this.#view.getFloat64(this.#position);
    this.#position += 8;
    return value;
  }

  /** A copy. */
  bytes(): Uint8Array {
    const length = this.uint32();
    const end = this.#position + length;
    if (end > this.#bytes.length) throw new RangeError("it ends too early");
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(this.#position, end));
    this.#position = end;
    return copy;
  }
}
