/** What `ByteReader.numbers` can make. */
export interface NumberArrayType<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/** Reads what `ByteWriter` wrote; throws RangeError where the bytes end too early. */
export class ByteReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves on by so many bytes; returns where they begin. */
  take(bytes: number): number {
    const start = this.position;
    if (bytes > this.bytes.length - start) throw new RangeError(`${bytes} bytes wanted at ${start}`);
    this.position = start + bytes;
    return start;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  u53(): number {
    const at = this.take(8);
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 0x100000000;
  }

  slice(bytes: number): Buffer {
    const at = this.take(bytes);
    return this.bytes.subarray(at, at + bytes);
  }

  /** So many numbers at the next aligned position: a view where memory is aligned as the bytes are, else a copy. */
  numbers<T>(type: NumberArrayType<T>, count: number): T {
    const width = type.BYTES_PER_ELEMENT;
    this.take(-this.position & (width - 1));
    const start = this.bytes.byteOffset + this.take(count * width);
    if (start % width === 0) return new type(this.bytes.buffer, start, count);
    return new type(this.bytes.buffer.slice(start, start + count * width), 0, count);
  }
}
