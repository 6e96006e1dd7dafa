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
}
