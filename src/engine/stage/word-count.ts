/**
 * Counting the words of text files, `read.lines(…).words().countBy()`, over bytes: what is ASCII never becomes a
 * string. A stage that does anything else goes through its generated loop, with the same results; for files that are
 * ASCII, the blocks are equal to the last byte.
 */
import { assert } from "../../base/assert.ts";
import type { Stage } from "../../plan/stage.ts";
import { borrowWordTable, returnWordTable, WordCounter } from "../kernel/word-counter.ts";
import type { WordTable } from "../kernel/word-table.ts";
import { LINE_FEED } from "../read/boundaries.ts";
import { textStart } from "../read/place.ts";
import type { Piece } from "../read/record-feed.ts";
import { AggregateSink } from "../shuffle/aggregate/aggregate-sink.ts";
import { ENTRY_BYTES } from "../shuffle/aggregate/aggregate-table.ts";
import { FRAME_BYTES, FRAME_ROWS } from "../shuffle/block/frame-buffer.ts";
import { estimateBytes } from "../shuffle/estimate.ts";
import type { KeyedSink, RowSink } from "../shuffle/sink.ts";
import { SINK_BYTES, SINK_ROWS } from "../shuffle/sink-options.ts";
import type { BytePath } from "./byte-path-type.ts";

/** What the estimate says of a word without its characters, and of its count. */
const WORD_BYTES = estimateBytes("") + estimateBytes(1);

/** Whether all that a stage does is to count the words of lines. */
export function countsWords({ input, branches, sinks }: Stage): boolean {
  if (input.kind !== "source" || input.source.source.format !== "lines") return false;
  const [step, ...others] = branches;
  if (others.length > 0 || step?.kind !== "step" || step.op.kind !== "words") return false;
  if (step.next.length !== 1 || step.next[0]?.kind !== "sink") return false;
  const sink = sinks[step.next[0].sink];
  if (sink?.kind !== "shuffle" || sink.shuffle.kind !== "aggregate") return false;
  return sink.shuffle.key === "record" && sink.shuffle.aggregator === "count";
}

/** In place of the loop of such a stage. */
export class WordCount implements BytePath {
  readonly #counter: WordCounter;
  readonly #table: WordTable;
  #open = true;

  constructor(sink: KeyedSink | RowSink) {
    assert(sink instanceof AggregateSink, "words are counted into an aggregation");
    this.#table = borrowWordTable();
    this.#counter = new WordCounter({
      table: this.#table,
      // When and how the sink lets go of its own table: equal text makes equal blocks.
      tableLimits: { entriesMax: SINK_ROWS, bytesMax: SINK_BYTES, entryBytes: ENTRY_BYTES + WORD_BYTES },
      columnLimits: { rowsMax: FRAME_ROWS, bytesMax: FRAME_BYTES, rowBytes: WORD_BYTES },
      partitions: sink.partitions,
      onWord: (word) => sink.add(word, null),
      onColumns: (partition, { keys, lengths, counts }) =>
        sink.addPartials(partition, { bytes: keys, lengths }, counts),
    });
  }

  /** Words so far. */
  get sinkRows(): number {
    return this.#counter.words;
  }

  take(piece: Piece): number {
    const { bytes, end } = piece;
    const start = textStart(piece);
    if (start === end) return 0;
    const before = this.#counter.lines;
    this.#counter.add(bytes, start, end);
    return this.#counter.lines - before + (bytes[end - 1] === LINE_FEED ? 0 : 1);
  }

  finish(): void {
    this.#counter.flush();
  }

  close(): void {
    if (this.#open) returnWordTable(this.#table);
    this.#open = false;
  }
}
