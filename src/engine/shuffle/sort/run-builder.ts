/**
 * Gathers the rows of one run in a kernel's memory, sorts them, and gives them out as frames.
 *
 * Rows are text, or stand elsewhere and only their keys are here. Keys are the rows themselves, or bytes of their
 * own. The memory: words of each row (where it and its key begin and end), then texts as they come, then room to sort
 * in and to put frames together.
 */
import { assert } from "../../../base/assert.ts";
import { foldedCrc } from "../../kernel/folded-crc.ts";
import {
  GROUP_WORDS,
  KEY_KIND,
  PAD_BYTES,
  SMALL_ROWS,
  type SortKernel,
  TEXT_CLASS,
} from "../../kernel/sort-kernel.ts";
import type { PlacedFrame } from "../block/block-writer.ts";
import { FRAME_HEADER_BYTES } from "../block/frame.ts";
import { FRAME_ROWS } from "../block/frame-buffer.ts";
import { unitBytesMax, writeUnits } from "./key-bytes.ts";
import { type FrameHead, frameParts, writeHead } from "./run-frame.ts";

/** Rows of a run at most. Like all limits here part of what blocks look like. */
export const RUN_ROWS = 1 << 18;
/** A run is full from so many bytes of texts and keys on. */
export const RUN_BYTES = 16 * 1024 * 1024;
/** Of texts in a frame. */
const FRAME_TEXT_BYTES = 128 * 1024;
/** What a row costs in a frame besides its text. */
const FRAME_ROW_BYTES = 5;

const ROW_WORDS = 4;
const SURROGATES = /[\ud800-\udfff]/;

/** How the keys of a run are stored with its rows. */
export type KeyStorage = Pick<FrameHead, "keyKind" | "keyOffset" | "keyLength">;

export class RunBuilder {
  rows = 0;
  readonly #kernel: SortKernel;
  readonly #descending: number;
  readonly #starts: number;
  readonly #ends: number;
  readonly #keyStarts: number;
  readonly #keyEnds: number;
  readonly #texts: number;
  /** Behind the last text. */
  #at: number;
  /** Keys that were added; 0 where rows are their own keys. */
  #keys = 0;
  #index = 0;
  #out = 0;

  constructor(kernel: SortKernel, descending: boolean) {
    this.#kernel = kernel;
    this.#descending = descending ? 1 : 0;
    const words = 4 * RUN_ROWS;
    this.#starts = kernel.base + 8;
    this.#ends = this.#starts + words;
    this.#keyStarts = this.#ends + words;
    this.#keyEnds = this.#keyStarts + words;
    this.#texts = this.#starts + ROW_WORDS * words;
    this.#at = this.#texts;
  }

  get isEmpty(): boolean {
    return this.rows === 0 && this.#keys === 0;
  }

  get isFull(): boolean {
    return this.#at - this.#texts >= RUN_BYTES || this.rows >= RUN_ROWS || this.#keys >= RUN_ROWS;
  }

  /** How many more rows there is room for. */
  get rowsLeft(): number {
    return RUN_ROWS - Math.max(this.rows, this.#keys);
  }

  /** Lines of bytes [from, to), which are text as keys are compared. Returns up to where: all, or until it is full. */
  addLines(bytes: Uint8Array, from: number, to: number): number {
    return from + this.#scan(this.#put(bytes, from, to), to - from);
  }

  /** The same for bytes of any kind: undefined, and takes none, where they are not ASCII, and so not as keys are compared. */
  addAsciiLines(bytes: Uint8Array, from: number, to: number): number | undefined {
    const at = this.#put(bytes, from, to);
    if (this.#kernel.classify(at, at + to - from) !== TEXT_CLASS.ascii) return undefined;
    return from + this.#scan(at, to - from);
  }

  /** Forgets the last rows; their bytes stay where they are. */
  dropRows(rows: number): void {
    this.rows -= rows;
  }

  /** Rows that are text. There must be room for as many rows. */
  addRows(texts: readonly string[]): void {
    this.#addTexts(texts, this.#starts, this.#ends, this.rows);
    this.rows += texts.length;
  }

  /** Keys that are text, compared with others of their kind only. */
  addKeys(texts: readonly string[]): void {
    this.#addTexts(texts, this.#keyStarts, this.#keyEnds, this.#keys);
    this.#keys += texts.length;
  }

  addKey(key: Uint8Array): void {
    const at = this.#room(key.length);
    const { words, bytes } = this.#kernel;
    bytes.set(key, at);
    this.#at = at + key.length;
    words[this.#keyStarts / 4 + this.#keys] = at;
    words[this.#keyEnds / 4 + this.#keys] = this.#at;
    this.#keys++;
  }

  /** Sorts what there is. Returns the rows in order; a view, valid until the next call. */
  sort(): Uint32Array {
    const rows = Math.max(this.rows, this.#keys);
    assert(this.#keys === 0 || this.rows === 0 || this.#keys === this.rows, "every row has a key");
    const [starts, ends] = this.#keyPlaces();
    const words = 4 * rows;
    const index = align(this.#at + PAD_BYTES);
    const prefixes = index + 4 * words;
    const groups = prefixes + 2 * words;
    this.#out = align(groups + 4 * GROUP_WORDS * (Math.ceil(rows / SMALL_ROWS) + 1));
    const kernel = this.#reserve(this.#out);
    kernel.order(
      starts,
      ends,
      rows,
      this.#descending,
      index,
      index + words,
      index + 2 * words,
      index + 3 * words,
      prefixes,
      groups,
    );
    this.#index = index;
    return kernel.words.subarray(index / 4, index / 4 + rows);
  }

  /** The shortest way to store the keys with rows that are text. */
  keyStorage(): KeyStorage {
    if (this.#keys === 0) return { keyKind: KEY_KIND.row, keyOffset: 0, keyLength: 0 };
    const { words, base } = this.#kernel;
    if (this.rows > 0) {
      const [starts, ends] = [this.#starts, this.#ends];
      const found = this.#kernel.findSlice(starts, ends, this.#keyStarts, this.#keyEnds, this.rows, base);
      const [keyOffset = 0, keyLength = 0] = words.subarray(base / 4);
      if (found === 1) return { keyKind: KEY_KIND.slice, keyOffset, keyLength };
    }
    const length = this.#lengthOfAllKeys();
    if (length === undefined) return { keyKind: KEY_KIND.own, keyOffset: 0, keyLength: 0 };
    return { keyKind: KEY_KIND.fixed, keyOffset: 0, keyLength: length };
  }

  /** Of the key of the row at this place in the order, at most so many bytes; a copy. */
  keyAt(place: number, bytesMax: number): Buffer {
    const { words, bytes } = this.#kernel;
    const [starts, ends] = this.#keyPlaces();
    const row = words[this.#index / 4 + place] as number;
    const start = words[starts / 4 + row] as number;
    const end = Math.min(words[ends / 4 + row] as number, start + bytesMax);
    return Buffer.from(bytes.subarray(start, end));
  }

  /** The frame of rows that are text, from this place in the order on. Valid until the next call. */
  textFrame(from: number, storage: KeyStorage): PlacedFrame {
    const to = Math.min(from + FRAME_ROWS, this.rows);
    const [index, starts, ends] = [this.#index, this.#starts, this.#ends];
    const rows = this.#kernel.fit(index, from, to, starts, ends, FRAME_ROW_BYTES, FRAME_TEXT_BYTES);
    return this.#frame(from, from + rows, true, storage);
  }

  /** The frame of the keys of these places in the order. Valid until the next call. */
  keyFrame(from: number, to: number, storage: KeyStorage): PlacedFrame {
    return this.#frame(from, to, false, storage);
  }

  clear(): void {
    this.rows = 0;
    this.#keys = 0;
    this.#at = this.#texts;
  }

  #frame(from: number, to: number, hasText: boolean, storage: KeyStorage): PlacedFrame {
    const { keyKind, keyOffset, keyLength } = storage;
    const rows = to - from;
    const hasKeys = keyKind === KEY_KIND.own || keyKind === KEY_KIND.fixed;
    const textBytes = hasText ? this.#bytesOf(from, to, this.#starts, this.#ends) + rows : 0;
    const keyBytes = hasKeys ? this.#bytesOf(from, to, this.#keyStarts, this.#keyEnds) : 0;
    const head = { hasText, keyKind, keyOffset, keyLength, textBytes, keyBytes };
    const parts = frameParts(head, rows);
    const out = this.#out;
    const body = out + FRAME_HEADER_BYTES;
    const end = align(body + parts.bytes);
    const spare = end + PAD_BYTES;
    const kernel = this.#reserve(spare + 4 * rows);
    writeHead(kernel.bytes, body, head);
    if (hasText) {
      const ends = body + parts.ends;
      kernel.gather(this.#index, from, to, this.#starts, this.#ends, body + parts.text, ends, 1);
    }
    if (hasKeys) {
      // The ends of keys that are all of one length are not kept: they go where the next frame will write again.
      const ends = keyKind === KEY_KIND.own ? body + parts.keyEnds : spare;
      kernel.gather(this.#index, from, to, this.#keyStarts, this.#keyEnds, body + parts.keyText, ends, 0);
    }
    return {
      rows,
      room: kernel.bytes.subarray(out, end),
      bytes: FRAME_HEADER_BYTES + parts.bytes,
      fasterCrc: (crc32) => foldedCrc(kernel, crc32),
    };
  }

  #bytesOf(from: number, to: number, starts: number, ends: number): number {
    const { words } = this.#kernel;
    let bytes = 0;
    for (let place = this.#index / 4 + from; place < this.#index / 4 + to; place++) {
      const row = words[place] as number;
      bytes += (words[ends / 4 + row] as number) - (words[starts / 4 + row] as number);
    }
    return bytes;
  }

  #lengthOfAllKeys(): number | undefined {
    const { words } = this.#kernel;
    const [starts, ends] = [this.#keyStarts / 4, this.#keyEnds / 4];
    const length = (words[ends] as number) - (words[starts] as number);
    for (let key = 1; key < this.#keys; key++) {
      if ((words[ends + key] as number) - (words[starts + key] as number) !== length) return undefined;
    }
    return length;
  }

  #keyPlaces(): [starts: number, ends: number] {
    return this.#keys === 0 ? [this.#starts, this.#ends] : [this.#keyStarts, this.#keyEnds];
  }

  #addTexts(texts: readonly string[], starts: number, ends: number, first: number): void {
    const joined = texts.join("");
    let at = this.#room(unitBytesMax(joined));
    const { bytes, words } = this.#kernel;
    const written = bytes.write(joined, at);
    if (written === joined.length) {
      // As many bytes as characters: ASCII.
      for (let i = 0; i < texts.length; i++) {
        words[starts / 4 + first + i] = at;
        at += (texts[i] as string).length;
        words[ends / 4 + first + i] = at;
      }
    } else {
      const hasSurrogates = SURROGATES.test(joined);
      for (let i = 0; i < texts.length; i++) {
        const text = texts[i] as string;
        words[starts / 4 + first + i] = at;
        at = hasSurrogates ? writeUnits(bytes, at, text) : at + bytes.write(text, at);
        words[ends / 4 + first + i] = at;
      }
    }
    this.#at = at;
  }

  /** Copies bytes behind the last text, where they are not yet anything; returns where that is. */
  #put(bytes: Uint8Array, from: number, to: number): number {
    const at = this.#room(to - from);
    this.#kernel.bytes.set(bytes.subarray(from, to), at);
    return at;
  }

  /** Takes in the lines that are put there, until it is full; returns how many bytes they have. */
  #scan(at: number, bytes: number): number {
    const kernel = this.#kernel;
    const figures = kernel.base;
    this.rows = kernel.scanLines(at, at + bytes, this.#starts, this.#ends, this.rows, RUN_ROWS, figures);
    this.#at = kernel.words[figures / 4] as number;
    return this.#at - at;
  }

  /** Makes room for so many bytes more; returns where they go. */
  #room(bytes: number): number {
    this.#reserve(this.#at + bytes + PAD_BYTES);
    return this.#at;
  }

  #reserve(end: number): SortKernel {
    const kernel = this.#kernel;
    const { length } = kernel.bytes;
    if (end > length) kernel.reserve(Math.max(end, Math.min(2 * length, length + GROW_BYTES)));
    return kernel;
  }
}

const GROW_BYTES = 4 * 1024 * 1024;

const align = (address: number): number => Math.ceil(address / 8) * 8;
