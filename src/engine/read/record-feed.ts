/**
 * Cuts a stream of bytes into pieces of whole records: the hot loop of reading, apart from decoding and parsing.
 *
 * Owns one buffer. Each round moves what was left of the last chunk to the front, reads a chunk behind it, and gives
 * out everything up to the last record's end. Invariants:
 * 1. A piece begins at a record's first byte and ends behind a record's line feed, or at the end of the file.
 * 2. Exactly the records whose first byte lies in [start, end) come out, whatever the chunk size.
 * 3. The buffer never holds more than `recordBytesMax` and a chunk or two; a longer record is RECORD_TOO_LONG, even
 *    where a chunk would have had room for it, so that the outcome does not hang on where chunks end.
 */

import { CARRIAGE_RETURN, firstBoundary, lastBoundary, type Parity, quoteParity } from "./boundaries.ts";
import type { ByteSource } from "./byte-source.ts";
import { RecordFault } from "./record-fault.ts";

/** 64 KiB stays in a core's second cache from reading to parsing; chunks of 1 MiB are a third slower. */
export const CHUNK_BYTES = 64 * 1024;

/** A JavaScript string holds no more; whatever the option says, a record must become one. */
export const TEXT_BYTES_MAX = 2 ** 29 - 24;

/** How far to read past the split's end at a time for the rest of its last record. */
const TAIL_BYTES = 8 * 1024;

/** Whole records as bytes: [start, end) of `bytes`. Valid until the next one is asked for. */
export interface Piece {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Position in the file (decompressed) of the byte at `start`. */
  readonly offset: number;
  /** Where somebody has looked: whether the text is all ASCII, which is decoded faster. */
  readonly isAscii?: boolean;
}

export interface FeedOptions {
  /** Position in the file of the source's first byte. */
  readonly position: number;
  /** First position at which a record is another split's; Infinity: none is. */
  readonly end: number;
  /** Whether the source begins one byte before the split, to find where its first record begins. */
  readonly skipsFirst: boolean;
  /** Quotes between which line feeds are data; undefined: none. */
  readonly quote: number | undefined;
  readonly recordBytesMax: number;
  readonly chunkBytes: number;
}

export class RecordFeed {
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #quote: number | undefined;
  readonly #recordBytesMax: number;
  readonly #chunkBytes: number;
  #buffer: Buffer;
  /** Valid bytes are [0, filled). */
  #filled = 0;
  /** Bytes at the front that were given out. */
  #given = 0;
  /** Position in the file of the buffer's first byte. */
  #base: number;
  /** Of the quotes since the last record's end. */
  #parity: Parity = 0;
  #skipping: boolean;
  #ended = false;
  #bytesGiven = 0;

  constructor(source: ByteSource, options: FeedOptions) {
    this.#source = source;
    this.#end = options.end;
    this.#quote = options.quote;
    this.#recordBytesMax = Math.min(options.recordBytesMax, TEXT_BYTES_MAX);
    this.#chunkBytes = options.chunkBytes;
    this.#base = options.position;
    this.#skipping = options.skipsFirst;
    this.#buffer = Buffer.allocUnsafeSlow(2 * this.#chunkBytes);
  }

  /** Of the records given out; for compressed files what was read of them. */
  get bytesIn(): number {
    return this.#source.compressedBytes ?? this.#bytesGiven;
  }

  /** The next whole records; undefined at the end. Throws RecordFault. */
  next(): Piece | undefined | Promise<Piece | undefined> {
    this.#dropGiven();
    while (!this.#ended) {
      const got = this.#source.fill(this.#room());
      if (typeof got !== "number") return this.#nextLater(got);
      const piece = this.#accept(got);
      if (piece !== undefined) return piece;
    }
    return undefined;
  }

  close(): void {
    this.#ended = true;
    this.#source.close();
  }

  async #nextLater(first: Promise<number>): Promise<Piece | undefined> {
    let piece = this.#accept(await first);
    while (piece === undefined && !this.#ended) piece = this.#accept(await this.#source.fill(this.#room()));
    return piece;
  }

  /** Where the next bytes go. Past the split's end only a little is read, as a line's end is mostly near. */
  #room(): Uint8Array {
    // A long record doubles what is read for it, so that it is not copied once a chunk.
    const roomMax = this.#recordBytesMax + this.#chunkBytes + 2 - this.#filled;
    let wanted = Math.min(Math.max(this.#chunkBytes, this.#filled), roomMax);
    const position = this.#base + this.#filled;
    if (position < this.#end) wanted = Math.min(wanted, this.#end - position);
    else if (this.#filled <= this.#chunkBytes) wanted = Math.min(wanted, TAIL_BYTES);
    if (this.#filled + wanted > this.#buffer.length) this.#resize(this.#filled + wanted);
    return this.#buffer.subarray(this.#filled, this.#filled + wanted);
  }

  /** Takes in `got` bytes behind what there is; gives the piece they complete, if any. */
  #accept(got: number): Piece | undefined {
    if (this.#skipping) return this.#acceptSkipping(got);
    if (got === 0) {
      this.#ended = true;
      return this.#filled === 0 ? undefined : this.#give(this.#filled);
    }
    const from = this.#filled;
    const to = from + got;
    this.#filled = to;
    if (this.#base + from >= this.#end) return this.#acceptTail(from, to);

    const quote = this.#quote;
    if (quote !== undefined) {
      this.#parity = (this.#parity ^ quoteParity(this.#buffer, from, to, quote)) as Parity;
    }
    const cut = lastBoundary(this.#buffer, from, to, quote, this.#parity);
    // Nothing is left over at the split's end: the next record is the next split's.
    if (this.#base + to >= this.#end && cut === to - 1) this.#ended = true;
    return cut === -1 ? this.#wait() : this.#give(cut + 1);
  }

  /** Past the split's end: only the record that began before it counts. */
  #acceptTail(from: number, to: number): Piece | undefined {
    const cut = firstBoundary(this.#buffer, from, to, this.#quote, this.#parity);
    if (cut !== -1) {
      this.#ended = true;
      return this.#give(cut + 1);
    }
    if (this.#quote !== undefined) {
      this.#parity = (this.#parity ^ quoteParity(this.#buffer, from, to, this.#quote)) as Parity;
    }
    return this.#wait();
  }

  /** Before the split's first record: what belongs to the split before it is thrown away, however long it is. */
  #acceptSkipping(got: number): Piece | undefined {
    const cut = firstBoundary(this.#buffer, 0, got, undefined, 0);
    const begin = this.#base + (cut === -1 ? got : cut + 1);
    if (got === 0 || begin >= this.#end) {
      this.#ended = true;
      return undefined;
    }
    this.#skipping = cut === -1;
    const rest = cut === -1 ? 0 : got - cut - 1;
    this.#buffer.copyWithin(0, got - rest, got);
    this.#base = begin;
    return rest === 0 ? undefined : this.#accept(rest);
  }

  /** No record is whole yet. */
  #wait(): undefined {
    // One byte more may be the carriage return of the record's end.
    if (this.#filled > this.#recordBytesMax + 1) throw this.#tooLong(0);
    return undefined;
  }

  #give(end: number): Piece {
    this.#given = end;
    this.#bytesGiven += end;
    if (end > this.#recordBytesMax) this.#verifyLengths(end);
    return { bytes: this.#buffer, start: 0, end, offset: this.#base };
  }

  #verifyLengths(end: number): void {
    for (let start = 0; start < end; ) {
      const cut = firstBoundary(this.#buffer, start, end, this.#quote, 0);
      const stop = cut === -1 ? end : cut;
      const returns = cut > start && this.#buffer[cut - 1] === CARRIAGE_RETURN ? 1 : 0;
      if (stop - returns - start > this.#recordBytesMax) throw this.#tooLong(start);
      start = stop + 1;
    }
  }

  #dropGiven(): void {
    if (this.#given === 0) return;
    this.#buffer.copyWithin(0, this.#given, this.#filled);
    this.#filled -= this.#given;
    this.#base += this.#given;
    this.#given = 0;
    // A record of many megabytes must not keep its room for the rest of the file.
    if (this.#buffer.length > 2 * this.#chunkBytes && this.#filled <= this.#chunkBytes) {
      this.#resize(2 * this.#chunkBytes);
    }
  }

  #resize(capacity: number): void {
    const buffer = Buffer.allocUnsafeSlow(capacity);
    this.#buffer.copy(buffer, 0, 0, this.#filled);
    this.#buffer = buffer;
  }

  #tooLong(start: number): RecordFault {
    const seen = this.#buffer.subarray(start, this.#filled);
    return new RecordTooLong(this.#base + start, seen, this.#recordBytesMax, this.#quote);
  }
}

/** Has what was read of the record, so that a parser can look for the mistake that made it so long. */
export class RecordTooLong extends RecordFault {
  /** Of the record's first byte, in the file (decompressed). */
  readonly byteOffset: number;
  readonly seen: Buffer;

  constructor(byteOffset: number, seen: Buffer, recordBytesMax: number, quote: number | undefined) {
    const quoted = quote === undefined ? "" : ", or close the quote it opens if that is the reason";
    const limit =
      recordBytesMax >= TEXT_BYTES_MAX
        ? "A record can never be longer, as a JavaScript string cannot: split it before"
        : "If it is meant to be so long, raise the source's recordBytesMax";
    super({
      code: "RECORD_TOO_LONG",
      what: `the record has more than recordBytesMax = ${recordBytesMax} bytes`,
      advice: `${limit}${quoted}.`,
    });
    this.byteOffset = byteOffset;
    this.seen = seen;
  }
}
