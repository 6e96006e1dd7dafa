/**
 * Counts the words of whole lines, given as bytes, and lets the counts go in columns, by partition, each time the
 * table is full.
 *
 * What it hands out, and in which order, follows from the bytes alone: not from how they were cut into calls, nor from
 * which table counts. Words outside ASCII reach the caller before the counts of a table that a later word filled.
 */
import { assert } from "../../base/assert.ts";
import { handOut, type RowLimits } from "./hand-out.ts";
import { PlainWordTable } from "./plain-word-table.ts";
import { createWasmWordTable, WasmWordTable } from "./wasm-word-table.ts";
import {
  BLOCK_BYTES,
  type CountMerger,
  GATHER_BYTES_MAX,
  GATHER_ROWS_MAX,
  isRunByte,
  type TableLimits,
  WORD_BYTES_MAX,
  WORDS,
  type WordClass,
  type WordTable,
} from "./word-table.ts";
import { wordsOf } from "./words-of.ts";

/** A count fits a signed number of 32 bits. */
const COUNTED_MAX = 2 ** 31 - BLOCK_BYTES;

/** Words of one partition with their counts. Views: valid until the visit returns. */
export interface WordColumns {
  /** ASCII, one word after the other. */
  readonly keys: Uint8Array;
  readonly lengths: Uint32Array;
  readonly counts: Uint32Array;
}

/** Rows that are handed out together. */
export interface ColumnLimits extends RowLimits {
  /** What a row counts for beside its word. */
  readonly rowBytes: number;
}

/** What is counted. */
export interface WordKind {
  readonly class: WordClass;
  /** The words of text that is given whole, which must be those of the class where it is ASCII. */
  readonly find: (text: string) => readonly string[];
}

export interface WordCounterOptions {
  /** Default: what `words` gives. */
  readonly kind?: WordKind | undefined;
  readonly table: WordTable;
  readonly tableLimits: TableLimits;
  /** No more than a gathering has room for: GATHER_ROWS_MAX rows, and GATHER_BYTES_MAX without a word. */
  readonly columnLimits: ColumnLimits;
  readonly partitions: number;
  /** Takes a word that the table does not count: one with characters outside ASCII, or a very long one. */
  readonly onWord: (word: string) => void;
  /** Takes counts; those of a partition come by first arrival. A word can come again after a later flush. */
  readonly onColumns: (partition: number, columns: WordColumns) => void;
}

const ALL_WORDS: WordKind = { class: WORDS, find: wordsOf };

export class WordCounter {
  readonly #options: WordCounterOptions;
  readonly #table: WordTable;
  /** Counted since the table was last cleared. */
  #counted = 0;
  readonly #kind: WordKind;
  #words = 0;
  #lines = 0;

  constructor(options: WordCounterOptions) {
    this.#options = options;
    this.#kind = options.kind ?? ALL_WORDS;
    this.#table = options.table;
    const { rowsMax, bytesMax } = options.columnLimits;
    assert(
      rowsMax <= GATHER_ROWS_MAX && bytesMax <= GATHER_BYTES_MAX - WORD_BYTES_MAX,
      "a table has room for the columns",
    );
    this.#table.clear(options.tableLimits, this.#kind.class);
  }

  /** Words so far, those given to `onWord` too. */
  get words(): number {
    return this.#words;
  }

  /** Line feeds so far. */
  get lines(): number {
    return this.#lines;
  }

  /** Counts the words of bytes [from, to), which begin and end between words. */
  add(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const cut = cutBetweenWords(bytes, at, to, this.#kind.class);
      if (cut === at) at = this.#addGiant(bytes, at, to);
      else at = this.#addBlock(bytes, at, cut);
    }
  }

  /** Lets go of what is still held: what fills columns first, then what is left of each partition. The counter can be used again. */
  flush(): void {
    const { hashes, lengths } = this.#table.describe();
    const { partitions, columnLimits } = this.#options;
    const sizes = lengths.map((length) => columnLimits.rowBytes + length);
    handOut(hashes, sizes, partitions, columnLimits, (partition, entries) => {
      this.#handOutColumns(partition, entries, lengths);
    });
    this.#table.clear(this.#options.tableLimits, this.#kind.class);
    this.#counted = 0;
  }

  /** Up to the end of the block, or to behind the word that made the table full. */
  #addBlock(bytes: Uint8Array, from: number, to: number): number {
    const table = this.#table;
    const end = table.take(bytes, from, to);
    this.#words += table.words;
    this.#counted += table.words;
    this.#lines += table.lines;
    if (table.rest.length > 0) this.#handOutWords(textOf(table.rest));
    if (table.isFull || this.#counted >= COUNTED_MAX) this.flush();
    return end;
  }

  /** A run that no block holds. Returns its end. */
  #addGiant(bytes: Uint8Array, from: number, to: number): number {
    let end = from + BLOCK_BYTES;
    while (end < to && isRunByte(bytes[end] as number, this.#kind.class)) end++;
    this.#handOutWords(textOf(bytes.subarray(from, end)));
    return end;
  }

  #handOutWords(text: string): void {
    const words = this.#kind.find(text);
    this.#words += words.length;
    for (let i = 0; i < words.length; i++) this.#options.onWord(words[i] as string);
  }

  #handOutColumns(partition: number, entries: Uint32Array, lengths: Uint32Array): void {
    const { keys, counts } = this.#table.gather(entries);
    const own = entries.map((entry) => lengths[entry] as number);
    this.#options.onColumns(partition, { keys, counts, lengths: own });
  }
}

/** The last place between words that a block reaches; `from` where there is none. */
function cutBetweenWords(bytes: Uint8Array, from: number, to: number, words: WordClass): number {
  if (to - from <= BLOCK_BYTES) return to;
  let cut = from + BLOCK_BYTES;
  while (cut > from && isRunByte(bytes[cut - 1] as number, words) && isRunByte(bytes[cut] as number, words)) {
    cut--;
  }
  return cut;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

/** Tables that no counter uses, for the next task of this thread: a kernel's memory is made once. */
const idleTables: WordTable[] = [];

/** The fastest table that this machine can run. */
export const borrowWordTable = (): WordTable =>
  idleTables.pop() ?? createWasmWordTable() ?? new PlainWordTable();

/** Undefined where this machine cannot run one. Give it back with `returnWordTable`. */
export function borrowCountMerger(): (CountMerger & WordTable) | undefined {
  const table = borrowWordTable();
  if (table instanceof WasmWordTable) return table;
  returnWordTable(table);
  return undefined;
}

/** For a table whose counter is not used any more. */
export function returnWordTable(table: WordTable): void {
  if (idleTables.length < IDLE_TABLES_MAX) idleTables.push(table);
}

const IDLE_TABLES_MAX = 2;
