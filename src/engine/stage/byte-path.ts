/**
 * Stages that never make records: what they do with the records of files is done on the files' bytes, in place of the
 * generated loop and with the same results.
 */
import type { Stage } from "../../plan/stage.ts";
import type { KeyedSink, RowSink } from "../shuffle/sink.ts";
import type { BytePath } from "./byte-path-type.ts";
import { openFieldFold } from "./field-fold.ts";
import { LineSort, sortsLines } from "./line-sort.ts";
import { WordCount, wordStageOf } from "./word-count.ts";

/** Sources that are not read from files. */
const ITEMS: ReadonlySet<string> = new Set(["range", "of"]);

/** The stage's way with bytes; undefined where it has none, or this machine cannot go it. */
export function openBytePath(stage: Stage, sinks: readonly (KeyedSink | RowSink)[]): BytePath | undefined {
  const sink = sinks[0];
  if (sink === undefined || sinks.length > 1) return undefined;
  // There are no bytes, and such tasks may be very many and very small.
  if (stage.input.kind === "source" && ITEMS.has(stage.input.source.source.format)) return undefined;
  if (sortsLines(stage)) return new LineSort(sink);
  const words = wordStageOf(stage);
  return words === undefined ? openFieldFold(stage, sink) : new WordCount(words, sink);
}
