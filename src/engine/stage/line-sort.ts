/**
 * Sorting lines as they are, `read.lines(…).sort()`, and writing texts as a sort gives them: from bytes to bytes,
 * without making strings of what is ASCII. Lines that are sorted by a function's keys become strings for the function
 * only.
 */
import { assert } from "../../base/assert.ts";
import type { Sink, Stage } from "../../plan/stage.ts";
import type { PieceWatcher } from "../read/byte-taker.ts";
import { textStart } from "../read/place.ts";
import type { Piece } from "../read/record-feed.ts";
import type { KeyedSink, RowSink } from "../shuffle/sink.ts";
import { SortSink } from "../shuffle/sort/sort-sink.ts";
import type { BytePath } from "./byte-path-type.ts";

/** Whether all that a stage does is to write what a sort gives as text: then it may be given bytes. */
export function writesTexts(stage: Stage): boolean {
  const { input } = stage;
  if (input.kind !== "shuffle" || input.shuffle.kind !== "sort") return false;
  const sink = onlySinkOf(stage);
  return sink?.kind === "end" && sink.end.kind === "write" && sink.end.format === "text";
}

/** Whether all that a stage does is to sort lines as they are. */
export function sortsLines(stage: Stage): boolean {
  const { input } = stage;
  if (input.kind !== "source" || input.source.source.format !== "lines") return false;
  const sink = onlySinkOf(stage);
  if (sink?.kind !== "shuffle" || sink.shuffle.kind !== "sort") return false;
  return sink.shuffle.by === "record" && sink.shuffle.collation === undefined;
}

/** Whether all that a stage does is to sort lines by keys that a function gives. */
export function sortsLinesByKey(stage: Stage): boolean {
  const { input } = stage;
  if (input.kind !== "source" || input.source.source.format !== "lines") return false;
  const sink = onlySinkOf(stage);
  if (sink?.kind !== "shuffle" || sink.shuffle.kind !== "sort") return false;
  return sink.shuffle.by !== "record" && sink.shuffle.collation === undefined;
}

/** The sink, where there is one and nothing before it. */
function onlySinkOf({ branches, sinks }: Stage): Sink | undefined {
  const [branch, ...others] = branches;
  return branch?.kind === "sink" && others.length === 0 ? sinks[branch.sink] : undefined;
}

/** Beside the loop of a stage that sorts lines by their keys: shows the sink the lines before the loop adds them. */
export function lineWatcherOf(
  stage: Stage,
  [sink]: readonly (KeyedSink | RowSink)[],
): PieceWatcher | undefined {
  if (!sortsLinesByKey(stage)) return undefined;
  assert(sink instanceof SortSink, "lines are sorted by a sort");
  return { see: (piece) => sink.expectLines(piece.bytes, textStart(piece), piece.end) };
}

/** In place of the loop of a stage that sorts lines. */
export class LineSort implements BytePath {
  sinkRows = 0;
  readonly #sink: SortSink;

  constructor(sink: KeyedSink | RowSink) {
    assert(sink instanceof SortSink, "lines are sorted by a sort");
    this.#sink = sink;
  }

  take(piece: Piece): number {
    const start = textStart(piece);
    if (start === piece.end) return 0;
    const lines = this.#sink.addLines(piece.bytes, start, piece.end);
    this.sinkRows += lines;
    return lines;
  }

  finish(): void {}

  close(): void {}
}
