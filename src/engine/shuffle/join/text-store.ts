import type { NestedColumn, TextColumn } from "../block/column.ts";
import { latin1Texts } from "./latin1-texts.ts";
import { roomFor } from "./room.ts";
import type { Picked, Store } from "./store.ts";

/** More bytes in one column are kept as values: their places take 32 bits. */
const BYTES_MAX = 2 ** 31;
const beyondLatin1 = /[^\0-\xff]/;

/** Texts in Latin-1, one after the other. */
export class TextStore implements Store {
  textBytesMax = 0;
  #bytes = new Uint8Array(0);
  #ends = new Uint32Array(0);
  #rows = 0;
  #end = 0;

  get bytes(): number {
    return this.#bytes.byteLength + this.#ends.byteLength;
  }

  add(column: NestedColumn, picked: Picked, rows: number): boolean {
    if (column.kind === "dictionary") return this.addCodes(column.entries, column.codes, picked, rows);
    if (column.kind !== "text" || (column.encoding !== "ascii" && column.encoding !== "latin1")) return false;
    if (this.#end + column.bytes.length > BYTES_MAX) return false;
    this.#ends = roomFor(this.#ends, this.#rows + (picked?.length ?? rows));
    this.#bytes = roomFor(this.#bytes, this.#end + column.bytes.length);
    if (picked === undefined) this.#addAll(column);
    else this.#addPicked(column, picked);
    return true;
  }

  take(rows: Uint32Array): string[] {
    const starts = new Uint32Array(rows.length);
    const ends = new Uint32Array(rows.length);
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      starts[i] = row === 0 ? 0 : (this.#ends[row - 1] as number);
      ends[i] = this.#ends[row] as number;
    }
    return latin1Texts(this.#bytes, starts, ends);
  }

  textBytesOf(row: number): number {
    return (this.#ends[row] as number) - (row === 0 ? 0 : (this.#ends[row - 1] as number));
  }

  /** Texts by their codes; false, and takes none, where an entry is not Latin-1. */
  addCodes(
    entries: readonly string[],
    codes: Uint8Array | Uint16Array,
    picked: Picked,
    rows: number,
  ): boolean {
    if (entries.some((text) => beyondLatin1.test(text))) return false;
    const count = picked?.length ?? rows;
    let longest = 0;
    for (const { length } of entries) longest = Math.max(longest, length);
    if (this.#end + count * longest > BYTES_MAX) return false;
    const texts = entries.map((text) => Buffer.from(text, "latin1"));
    this.#ends = roomFor(this.#ends, this.#rows + count);
    for (let i = 0; i < count; i++) {
      const text = texts[codes[picked === undefined ? i : (picked[i] as number)] as number] as Uint8Array;
      this.#bytes = roomFor(this.#bytes, this.#end + text.length);
      this.#bytes.set(text, this.#end);
      this.#push(text.length);
    }
    return true;
  }

  #addAll({ bytes, lengths }: TextColumn): void {
    this.#bytes.set(bytes, this.#end);
    for (let i = 0; i < lengths.length; i++) this.#push(lengths[i] as number);
  }

  #addPicked({ bytes, lengths }: TextColumn, picked: Uint32Array): void {
    const to = this.#bytes;
    let at = 0;
    let row = 0;
    for (let i = 0; i < picked.length; i++) {
      const wanted = picked[i] as number;
      while (row < wanted) at += lengths[row++] as number;
      const length = lengths[row++] as number;
      for (let k = 0; k < length; k++) to[this.#end + k] = bytes[at + k] as number;
      at += length;
      this.#push(length);
    }
  }

  #push(length: number): void {
    this.#end += length;
    this.#ends[this.#rows++] = this.#end;
    if (length > this.textBytesMax) this.textBytesMax = length;
  }
}
