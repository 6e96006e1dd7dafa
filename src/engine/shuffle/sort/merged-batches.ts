/** What a sort gives to its stage: texts as bytes where they are wanted so, values otherwise. */
import type { Batch } from "../../batch.ts";
import { BatchRows } from "../generated-input.ts";
import type { MergedRows, RunMerge } from "./run-merge.ts";
import { textRows } from "./run-source.ts";

export interface BatchForm {
  /** Whether the merge is of texts. */
  readonly text: boolean;
  /** Whether they may go on as bytes. */
  readonly asText: boolean;
}

export function* mergedBatches(merge: RunMerge, form: BatchForm): Generator<Batch, void> {
  const batch = new BatchRows();
  for (let merged = merge.next(); merged !== undefined; merged = merge.next()) {
    if (form.text) {
      yield textBatch(merged, form.asText);
      continue;
    }
    // As many as there are at a time may be too many at a time for what follows.
    for (const value of merged.values) {
      batch.pushMeasured(value);
      if (!batch.isFull) continue;
      yield batch.batch();
      batch.clear();
    }
    if (batch.rows.length > 0) yield batch.batch();
    batch.clear();
  }
}

function textBatch({ rows: count, text, ends }: MergedRows, asText: boolean): Batch {
  if (asText && !hasSurrogates(text)) return { rows: [], count, text };
  return { rows: textRows(text, ends), count };
}

const SURROGATE_FIRST = 0xed;
const SURROGATE_SECOND = 0xa0;

/** Whether there are halves of pairs in three bytes each: then the bytes are no UTF-8. */
function hasSurrogates(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(SURROGATE_FIRST); at !== -1; at = bytes.indexOf(SURROGATE_FIRST, at + 1)) {
    if ((bytes[at + 1] as number) >= SURROGATE_SECOND) return true;
  }
  return false;
}
