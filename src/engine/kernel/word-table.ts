/**
 * Counts words of bytes. Two tables do the same: one in WebAssembly and one in plain TypeScript, for where there is
 * no WebAssembly or no SIMD. What they count, in which order, and when they are full, are equal to the last bit.
 *
 * A word is a longest run of the bytes of a class. Where bytes from 0x80 on can be part of it, runs that hold any are
 * the caller's business, and so are words longer than WORD_BYTES_MAX: they come back as text.
 */

/** A table takes so many bytes at a time, at most. */
export const BLOCK_BYTES = 64 * 1024;
/** Longer words are not counted but handed back. */
export const WORD_BYTES_MAX = 1024;
/** The most entries a table holds, whatever its limits say. */
export const TABLE_ENTRIES_MAX = 1 << 18;
/** The most that `gather` gives at once. */
export const GATHER_ROWS_MAX = 8192;
export const GATHER_BYTES_MAX = 256 * 1024;

/** When a table is full. */
export interface TableLimits {
  /** From 1 to TABLE_ENTRIES_MAX. */
  readonly entriesMax: number;
  /** Of all words, with `entryBytes` for each. */
  readonly bytesMax: number;
  readonly entryBytes: number;
}

/** Words of some entries, in the order asked for. Views into the table: valid until its next call. */
export interface GatheredWords {
  /** The words' bytes, one after the other. */
  readonly keys: Uint8Array;
  readonly counts: Uint32Array;
}

export interface WordTable {
  /** Entries have numbers from 0, in order of arrival. */
  readonly entries: number;
  /** Whether a limit is reached. A full table takes nothing before it is cleared. */
  readonly isFull: boolean;
  /** Words that the last `take` counted. */
  readonly words: number;
  /** Line feeds among the bytes that the last `take` took. */
  readonly lines: number;
  /** Runs that the last `take` did not count, each with a line feed behind it. Valid until the next call. */
  readonly rest: Uint8Array;

  /** Forgets all words and sets the limits, and what words are: `WORDS` where it is left out. To be called before anything else. */
  clear(limits: TableLimits, words?: WordClass): void;
  /**
   * Counts the words of bytes [from, to), at most BLOCK_BYTES, which begin and end between words. Returns up to
   * where it took them: to behind the word that made the table full, or all.
   */
  take(bytes: Uint8Array, from: number, to: number): number;
  /** By entry: the word's `hashKey`, and its length. Views into the table: valid until the next `take`. */
  describe(): { readonly hashes: Uint32Array; readonly lengths: Uint32Array };
  /** At most GATHER_ROWS_MAX entries, with words of at most GATHER_BYTES_MAX bytes. */
  gather(entries: Uint32Array): GatheredWords;
}

/**
 * Brings counts of the same words together that were made in many places. Only in WebAssembly: where there is none, the
 * table of any aggregation does it.
 */
export interface CountMerger {
  readonly entries: number;
  /** As of a table. The words' class is `ANY_TEXT`. */
  clear(limits: TableLimits, words: WordClass): void;
  /**
   * Adds all rows or none, and says whether it did: none where there is no more room, where counts would no longer
   * fit 32 bits, and of words that hold bytes outside ASCII, or NUL.
   * @param bytes The words, one after the other. @param counts Whole numbers from 0 on, of 32 bits at most.
   */
  merge(bytes: Uint8Array, lengths: Uint32Array, counts: Uint8Array | Uint16Array | Uint32Array): boolean;
  /** Entries in the order of their words, and by place there the words' lengths. Views: valid until the next `merge` or `clear`. */
  sort(): { readonly entries: Uint32Array; readonly lengths: Uint32Array };
  /** As of a table. */
  gather(entries: Uint32Array): GatheredWords;
}

/** What words are made of. */
export interface WordClass {
  /** Whether an ASCII character, by its code, belongs to words. No line ends, nor NUL. */
  readonly members: readonly boolean[];
  /** Whether words are lower-cased. The members are letters and digits then. */
  readonly isLowered: boolean;
  /** Whether bytes from 0x80 on can be part of a word, instead of ending it. */
  readonly joinsHigh: boolean;
}

/** Letters and digits of every script, lower-cased. */
export const WORDS: WordClass = {
  members: Array.from({ length: 128 }, (_, code) => /[a-z0-9]/i.test(String.fromCharCode(code))),
  isLowered: true,
  joinsHigh: true,
};

/** Whether a byte can be part of a run. */
export const isRunByte = (byte: number, { members, joinsHigh }: WordClass): boolean =>
  byte < 0x80 ? (members[byte] as boolean) : joinsHigh;

/** Nothing is found in text, and no word is changed: for words that come as such. */
export const ANY_TEXT: WordClass = {
  members: new Array(128).fill(false),
  isLowered: false,
  joinsHigh: false,
};
