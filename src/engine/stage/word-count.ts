/**
 * Counting the words of text files, `read.lines(…).words().countBy()`, over bytes, or listing them (`distinct()`), or
 * saying how many they are (`count()`); and the same of tokens that are runs of one class. What is ASCII never becomes a
 * string. A stage that does anything else goes through its generated loop, with the same results; for files that are
 * ASCII, the blocks are equal to the last byte.
 */
import { assert } from "../../base/assert.ts";
import type { AggregateNode } from "../../plan/node.ts";
import type { Stage } from "../../plan/stage.ts";
import { borrowWordTable, returnWordTable, WordCounter, type WordKind } from "../kernel/word-counter.ts";
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
import { tokenClassOf } from "./token-class.ts";

/** What the estimate says of a word without its characters, and of its count. */
const WORD_BYTES = estimateBytes("") + estimateBytes(1);

interface WordStage {
  /** Undefined: what `words` gives. */
  readonly kind: WordKind | undefined;
  /** Each word's, or of all words together. */
  readonly what: "countBy" | "count";
}

/** Undefined where a stage does anything else. */
export function wordStageOf({ input, branches, sinks }: Stage): WordStage | undefined {
  if (input.kind !== "source" || input.source.source.format !== "lines") return undefined;
  const [step, ...others] = branches;
  if (others.length > 0 || step?.kind !== "step") return undefined;
  if (step.next.length !== 1 || step.next[0]?.kind !== "sink") return undefined;
  const sink = sinks[step.next[0].sink];
  if (sink?.kind !== "shuffle" || sink.shuffle.kind !== "aggregate") return undefined;
  const what = whatOf(sink.shuffle);
  if (what === undefined) return undefined;
  const { op } = step;
  if (op.kind === "words") return { kind: undefined, what };
  if (op.kind !== "flatMap" || op.tokens === undefined) return undefined;
  const found = tokenClassOf(op.tokens);
  return found && { kind: { class: found, find: op.fn as (text: string) => readonly string[] }, what };
}

/** For `distinct`, words are counted, too. */
function whatOf({ key, aggregator }: AggregateNode): WordStage["what"] | undefined {
  if (aggregator !== "count") return undefined;
  if (key === "all") return "count";
  return key === "record" ? "countBy" : undefined;
}

/** In place of the loop of such a stage. */
export class WordCount implements BytePath {
  readonly #counter: WordCounter;
  readonly #table: WordTable;
  readonly #sink: AggregateSink;
  readonly #what: WordStage["what"];
  #open = true;

  constructor({ kind, what }: WordStage, sink: KeyedSink | RowSink) {
    assert(sink instanceof AggregateSink, "words are counted into an aggregation");
    this.#table = borrowWordTable();
    this.#sink = sink;
    this.#what = what;
    this.#counter = new WordCounter({
      kind,
      table: this.#table,
      // When and how the sink lets go of its own table: equal text makes equal blocks.
      tableLimits: { entriesMax: SINK_ROWS, bytesMax: SINK_BYTES, entryBytes: ENTRY_BYTES + WORD_BYTES },
      columnLimits: { rowsMax: FRAME_ROWS, bytesMax: FRAME_BYTES, rowBytes: WORD_BYTES },
      partitions: sink.partitions,
      onWord: (word) => {
        if (what !== "count") sink.add(word, null);
      },
      onColumns: (partition, { keys, lengths, counts }) => {
        if (what !== "count") sink.addPartials(partition, { bytes: keys, lengths }, counts);
      },
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
    // Of everything there is one partition, and one partial result where there was anything.
    if (this.#what === "count" && this.sinkRows > 0) this.#sink.addPartials(0, [null], [this.sinkRows]);
  }

  close(): void {
    if (this.#open) returnWordTable(this.#table);
    this.#open = false;
  }
}
