/**
 * Counts by text on their way through a reduce task: merged and put in order by the kernel, from the bytes of a block
 * to the strings of the results without a value a row in between.
 *
 * Takes what it can and refuses the rest, so that its owner has another way for keys that are not ASCII, and for more
 * of them than fit. Counts are exact in any order, so it does not matter which way a row goes.
 */
import { borrowCountMerger, returnWordTable } from "../../kernel/word-counter.ts";
import { ANY_TEXT, type CountMerger, GATHER_BYTES_MAX, TABLE_ENTRIES_MAX } from "../../kernel/word-table.ts";
import type { FrameColumns } from "../block/frame.ts";
import { columnStrings } from "../block/text-decode.ts";
import type { Cursor } from "../runs/cursor.ts";

/** What the kernel holds of a key beside its text: the entry, its slots, and its places while they are sorted. */
const ENTRY_BYTES = 80;
/** Of the budget: while the kernel's counts go on to a table they are held twice. */
const HELD_PART = 0.25;
/** Strings are made of so many keys at a time. */
const CHUNK_ROWS = 1024;

type Merger = NonNullable<ReturnType<typeof borrowCountMerger>>;

export class MergedCounts {
  readonly #merger: Merger;
  #open = true;

  private constructor(merger: Merger, memoryBytes: number) {
    this.#merger = merger;
    const bytesMax = Math.floor(memoryBytes * HELD_PART);
    merger.clear({ entriesMax: TABLE_ENTRIES_MAX, bytesMax, entryBytes: ENTRY_BYTES }, ANY_TEXT);
  }

  /** Undefined where this machine has no such kernel. */
  static open(memoryBytes: number): MergedCounts | undefined {
    const merger = borrowCountMerger();
    return merger && new MergedCounts(merger, memoryBytes);
  }

  get isEmpty(): boolean {
    return this.#merger.entries === 0;
  }

  /** Takes all rows or none; says whether it did. */
  take({ keys, values }: FrameColumns): boolean {
    if (keys?.kind !== "text" || keys.encoding !== "ascii" || values.kind !== "numbers") return false;
    const { numbers } = values;
    if (
      !(numbers instanceof Uint8Array || numbers instanceof Uint16Array || numbers instanceof Uint32Array)
    ) {
      return false;
    }
    return this.#merger.merge(keys.bytes, keys.lengths, numbers);
  }

  /** In key order. Nothing may be taken any more. */
  results(): Cursor {
    return new CountCursor(this.#merger);
  }

  dispose(): void {
    if (this.#open) returnWordTable(this.#merger);
    this.#open = false;
  }
}

class CountCursor implements Cursor {
  key: unknown = undefined;
  value: unknown = undefined;
  readonly #merger: CountMerger;
  readonly #entries: Uint32Array;
  readonly #lengths: Uint32Array;
  /** The chunk's rows, and which comes next. */
  #keys: readonly string[] = [];
  #counts: Uint32Array = new Uint32Array(0);
  #row = 0;
  /** Behind the chunk. */
  #next = 0;

  constructor(merger: CountMerger) {
    this.#merger = merger;
    const { entries, lengths } = merger.sort();
    this.#entries = entries;
    this.#lengths = lengths;
  }

  next(): boolean {
    if (this.#row === this.#keys.length && !this.#nextChunk()) return false;
    this.key = this.#keys[this.#row];
    this.value = this.#counts[this.#row];
    this.#row++;
    return true;
  }

  #nextChunk(): boolean {
    const start = this.#next;
    let end = start;
    let bytes = 0;
    while (end < this.#lengths.length && end - start < CHUNK_ROWS) {
      bytes += this.#lengths[end] as number;
      if (bytes > GATHER_BYTES_MAX && end > start) break;
      end++;
    }
    if (end === start) return false;
    const { keys, counts } = this.#merger.gather(this.#entries.subarray(start, end));
    const lengths = this.#lengths.subarray(start, end);
    const text = Buffer.from(keys.buffer, keys.byteOffset, keys.length);
    this.#keys = columnStrings({ kind: "text", encoding: "ascii", bytes: text, lengths }, true);
    this.#counts = counts;
    this.#row = 0;
    this.#next = end;
    return true;
  }
}
