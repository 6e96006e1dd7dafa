/**
 * The twin of sort.c in plain TypeScript: the same calls on the same layout, for where there is no WebAssembly, and
 * to hold the kernel to. Where sort.c counts digits and keeps a tree, this sorts and searches the plain way; an order
 * by keys and then by arrival is total, so that the outcome is the same.
 */
import {
  EMIT,
  KEY_KIND,
  MERGE,
  MERGED,
  SOURCE,
  SOURCE_BYTES,
  SOURCE_STATE,
  type SortKernel,
  TEXT_CLASS,
} from "./sort-kernel.ts";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** The first byte of the three that a surrogate has, and the least that its second can be. */
const SURROGATE_FIRST = 0xed;
const SURROGATE_SECOND = 0xa0;
const EMPTY = new ArrayBuffer(64 * 1024);

export class PlainSortKernel implements SortKernel {
  readonly base = 0;
  readonly folding = undefined;
  bytes: Buffer = Buffer.from(EMPTY);
  words: Uint32Array = new Uint32Array(EMPTY);

  reserve(bytes: number): void {
    if (bytes <= this.bytes.length) return;
    const memory = new ArrayBuffer(Math.ceil(bytes / 8) * 8);
    const grown = Buffer.from(memory);
    grown.set(this.bytes);
    this.bytes = grown;
    this.words = new Uint32Array(memory);
  }

  classify(from: number, to: number): number {
    const { bytes } = this;
    let high = false;
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (byte < 0x80) continue;
      high = true;
      if (byte === SURROGATE_FIRST && at + 1 < to && (bytes[at + 1] as number) >= SURROGATE_SECOND) {
        return TEXT_CLASS.surrogates;
      }
    }
    return high ? TEXT_CLASS.other : TEXT_CLASS.ascii;
  }

  scanLines(
    from: number,
    to: number,
    starts: number,
    ends: number,
    firstRow: number,
    rowsMax: number,
    figures: number,
  ): number {
    const { bytes, words } = this;
    let row = firstRow;
    let start = from;
    while (start < to && row < rowsMax) {
      const feed = bytes.subarray(0, to).indexOf(LINE_FEED, start);
      const stop = feed === -1 ? to : feed;
      const returns = feed > start && bytes[feed - 1] === CARRIAGE_RETURN ? 1 : 0;
      words[starts / 4 + row] = start;
      words[ends / 4 + row] = stop - returns;
      row++;
      start = feed === -1 ? to : feed + 1;
    }
    words[figures / 4] = start;
    return row;
  }

  order(starts: number, ends: number, rows: number, descending: number, index: number): void {
    const { bytes, words } = this;
    const order = words.subarray(index / 4, index / 4 + rows);
    for (let row = 0; row < rows; row++) order[row] = row;
    const sign = descending === 0 ? 1 : -1;
    const first = starts / 4;
    const last = ends / 4;
    order.sort((a, b) => {
      const keyEnd = words[last + a] as number;
      const otherEnd = words[last + b] as number;
      const compared = bytes.compare(bytes, words[first + b], otherEnd, words[first + a], keyEnd);
      return sign * compared || a - b;
    });
  }

  fit(
    index: number,
    from: number,
    to: number,
    starts: number,
    ends: number,
    rowBytes: number,
    bytesMax: number,
  ): number {
    const { words } = this;
    let bytes = 0;
    let at = from;
    for (; at < to; at++) {
      const row = words[index / 4 + at] as number;
      bytes += (words[ends / 4 + row] as number) - (words[starts / 4 + row] as number) + rowBytes;
      if (bytes > bytesMax && at > from) break;
    }
    return at - from;
  }

  gather(
    index: number,
    from: number,
    to: number,
    starts: number,
    ends: number,
    out: number,
    outEnds: number,
    feeds: number,
  ): number {
    const { bytes, words } = this;
    let at = out;
    for (let i = from; i < to; i++) {
      const row = words[index / 4 + i] as number;
      at += bytes.copy(bytes, at, words[starts / 4 + row], words[ends / 4 + row]);
      words[outEnds / 4 + i - from] = at - out;
      if (feeds !== 0) bytes[at++] = LINE_FEED;
    }
    return at - out;
  }

  findSlice(
    starts: number,
    ends: number,
    keyStarts: number,
    keyEnds: number,
    rows: number,
    figures: number,
  ): number {
    const { bytes, words } = this;
    const part = (from: number, to: number, row: number): Buffer =>
      bytes.subarray(words[from / 4 + row], words[to / 4 + row]);
    let longest = 0;
    let key = part(keyStarts, keyEnds, 0);
    for (let row = 1; row < rows; row++) {
      const other = part(keyStarts, keyEnds, row);
      if (other.length <= key.length) continue;
      key = other;
      longest = row;
    }
    const offset = part(starts, ends, longest).indexOf(key);
    if (offset === -1) return 0;
    for (let row = 0; row < rows; row++) {
      const slice = part(starts, ends, row).subarray(offset, offset + key.length);
      if (!slice.equals(part(keyStarts, keyEnds, row))) return 0;
    }
    words[figures / 4] = offset;
    words[figures / 4 + 1] = key.length;
    return 1;
  }

  mergeStart(): void {}

  mergeRows(merge: number): number {
    const { words } = this;
    const at = merge / 4;
    const get = (word: number): number => words[at + word] as number;
    for (;;) {
      words[at + MERGE.needs] = get(MERGE.count);
      const which = this.#first(at);
      if (which === -1) return MERGED.done;
      if (
        get(MERGE.rows) === get(MERGE.rowsMax) ||
        get(MERGE.out) + get(MERGE.bytes) >= get(MERGE.outFull) ||
        get(MERGE.keyOut) + get(MERGE.keyBytes) >= get(MERGE.keyOutFull)
      ) {
        return MERGED.full;
      }
      const source = (get(MERGE.sources) + which * SOURCE_BYTES) / 4;
      this.#emit(at, source, which);
      const row = (words[source + SOURCE.row] as number) + 1;
      words[source + SOURCE.row] = row;
      if (row === words[source + SOURCE.stop]) {
        words[source + SOURCE.state] = SOURCE_STATE.needsRows;
        words[at + MERGE.needs] = which;
        return MERGED.needs;
      }
    }
  }

  seek(source: number, key: number, keyEnd: number, descending: number): number {
    const wanted = this.bytes.subarray(key, keyEnd);
    const sign = descending === 0 ? 1 : -1;
    let row = this.words[source / 4 + SOURCE.row] as number;
    const stop = this.words[source / 4 + SOURCE.stop] as number;
    while (row < stop && sign * this.#key(source / 4, row).compare(wanted) < 0) row++;
    return row;
  }

  /** The source whose row comes next; -1 where all have ended. */
  #first(at: number): number {
    const { words } = this;
    const sign = words[at + MERGE.descending] === 0 ? 1 : -1;
    const count = words[at + MERGE.count] as number;
    let first = -1;
    let least: Buffer | undefined;
    for (let which = 0; which < count; which++) {
      const source = ((words[at + MERGE.sources] as number) + which * SOURCE_BYTES) / 4;
      if (words[source + SOURCE.state] !== SOURCE_STATE.hasRows) continue;
      const key = this.#key(source, words[source + SOURCE.row] as number);
      if (least !== undefined && sign * key.compare(least) >= 0) continue;
      least = key;
      first = which;
    }
    return first;
  }

  #emit(at: number, source: number, which: number): void {
    const { bytes, words } = this;
    const get = (word: number): number => words[at + word] as number;
    const row = words[source + SOURCE.row] as number;
    const rows = get(MERGE.rows);
    const emit = get(MERGE.emit);
    if ((emit & EMIT.rows) !== 0) {
      const text = this.#row(source, row);
      bytes.set(text, get(MERGE.out) + get(MERGE.bytes));
      words[get(MERGE.outEnds) / 4 + rows] = get(MERGE.bytes) + text.length;
      words[at + MERGE.bytes] = get(MERGE.bytes) + text.length + 1;
      bytes[get(MERGE.out) + get(MERGE.bytes) - 1] = LINE_FEED;
    }
    if ((emit & EMIT.keys) !== 0) {
      const key = this.#key(source, row);
      bytes.set(key, get(MERGE.keyOut) + get(MERGE.keyBytes));
      words[at + MERGE.keyBytes] = get(MERGE.keyBytes) + key.length;
      words[get(MERGE.keyOutEnds) / 4 + rows] = get(MERGE.keyBytes);
    }
    if ((emit & EMIT.sources) !== 0) words[get(MERGE.outSources) / 4 + rows] = which;
    words[at + MERGE.rows] = rows + 1;
  }

  #row(source: number, row: number): Buffer {
    const { bytes, words } = this;
    const text = words[source + SOURCE.text] as number;
    const ends = (words[source + SOURCE.ends] as number) / 4;
    const start = row === 0 ? text : text + (words[ends + row - 1] as number) + 1;
    return bytes.subarray(start, text + (words[ends + row] as number));
  }

  #key(source: number, row: number): Buffer {
    const { bytes, words } = this;
    const length = words[source + SOURCE.keyLength] as number;
    const text = words[source + SOURCE.keyText] as number;
    switch (words[source + SOURCE.keyKind]) {
      case KEY_KIND.row:
        return this.#row(source, row);
      case KEY_KIND.slice: {
        const offset = words[source + SOURCE.keyOffset] as number;
        return this.#row(source, row).subarray(offset, offset + length);
      }
      case KEY_KIND.own: {
        const ends = (words[source + SOURCE.keyEnds] as number) / 4;
        const start = row === 0 ? 0 : (words[ends + row - 1] as number);
        return bytes.subarray(text + start, text + (words[ends + row] as number));
      }
      default:
        return bytes.subarray(text + row * length, text + (row + 1) * length);
    }
  }
}
