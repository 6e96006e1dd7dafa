/**
 * Sorts and merges rows of bytes that lie in one memory. Two kernels do the same: one in WebAssembly (sort.c, which
 * says what each call does) and one in plain TypeScript, for where there is no WebAssembly. Orders are total, so what
 * they give is equal to the last bit.
 *
 * Whoever uses a kernel lays out its memory and passes addresses, those of words in multiples of 4, with PAD_BYTES
 * behind every area of bytes.
 */

/** Vectors are read and written across the end of an area. */
export const PAD_BYTES = 16;

/** What `classify` tells of text. */
export const TEXT_CLASS = { ascii: 0, other: 1, surrogates: 2 } as const;

export interface SortKernel {
  /** Below it lies what is the kernel's own. A multiple of 8. */
  readonly base: number;
  /** The whole memory; made anew by `reserve`. */
  readonly bytes: Buffer;
  /** The same memory, in words. */
  readonly words: Uint32Array;
  /** Makes the memory at least so large, and keeps what is in it. Throws RangeError where there is no room. */
  reserve(bytes: number): void;
  classify(from: number, to: number): number;
  scanLines(
    from: number,
    to: number,
    starts: number,
    ends: number,
    row: number,
    rowsMax: number,
    figures: number,
  ): number;
  order(
    starts: number,
    ends: number,
    rows: number,
    descending: number,
    index: number,
    spare: number,
    digits: number,
    spareDigits: number,
    prefixes: number,
    groups: number,
  ): void;
  fit(
    index: number,
    from: number,
    to: number,
    starts: number,
    ends: number,
    rowBytes: number,
    bytesMax: number,
  ): number;
  gather(
    index: number,
    from: number,
    to: number,
    starts: number,
    ends: number,
    out: number,
    outEnds: number,
    feeds: number,
  ): number;
  findSlice(
    starts: number,
    ends: number,
    keyStarts: number,
    keyEnds: number,
    rows: number,
    figures: number,
  ): number;
  mergeStart(merge: number): void;
  mergeRows(merge: number): number;
  seek(source: number, key: number, keyEnd: number, descending: number): number;
  /** Undefined where the checksum itself is faster. */
  readonly folding: Folding | undefined;
}

/** Makes few bytes of many that have the same CRC-32, which lie at `rest` until the next call. */
export interface Folding {
  fold(from: number, to: number, register: number): number;
  rest(): number;
}

/** Words of a group that `order` sets aside, and up to how many rows it sets none aside. */
export const GROUP_WORDS = 3;
export const SMALL_ROWS = 24;

export const KEY_KIND = { row: 0, slice: 1, own: 2, fixed: 3 } as const;
export const SOURCE_STATE = { needsRows: 0, hasRows: 1, ended: 2 } as const;
export const EMIT = { rows: 1, keys: 2, sources: 4 } as const;
export const MERGED = { done: 0, full: 1, needs: 2 } as const;

/** Words of a source of a merge, by their place in it; `prefix` takes two. */
export const SOURCE = {
  prefix: 0,
  key: 2,
  keyEnd: 3,
  state: 4,
  row: 5,
  stop: 6,
  text: 7,
  ends: 8,
  keyKind: 9,
  keyText: 10,
  keyEnds: 11,
  keyOffset: 12,
  keyLength: 13,
} as const;
export const SOURCE_BYTES = 80;
/** Of the tree of a merge, for each source. */
export const ENTRY_BYTES = 16;

/** Words of a merge, by their place in it. */
export const MERGE = {
  sources: 0,
  count: 1,
  tree: 2,
  shared: 3,
  descending: 4,
  emit: 5,
  out: 6,
  outFull: 7,
  outEnds: 8,
  keyOut: 9,
  keyOutFull: 10,
  keyOutEnds: 11,
  outSources: 12,
  rowsMax: 13,
  rows: 14,
  bytes: 15,
  keyBytes: 16,
  needs: 17,
} as const;
export const MERGE_BYTES = 72;
