import { openSource, type ReadOptions } from "../../engine/read/open-source.ts";
import { planSplits } from "../../engine/read/plan-splits.ts";
import type { SourceFormat } from "../../plan/node.ts";
import type { SourceSplit } from "../../plan/task.ts";
import type { Inputs } from "../../ports/inputs.ts";

/** What one task would have been given. */
export interface SplitRows {
  readonly split: SourceSplit;
  readonly rows: readonly unknown[];
  readonly bytesIn: number;
}

/** Reads a whole source as its tasks would, one after the other. */
export async function readSource(
  source: SourceFormat,
  inputs: Inputs,
  options: ReadOptions = {},
): Promise<readonly SplitRows[]> {
  const read: SplitRows[] = [];
  for (const split of await planSplits(source, inputs))
    read.push(await readSplit(source, split, inputs, options));
  return read;
}

async function readSplit(
  source: SourceFormat,
  split: SourceSplit,
  inputs: Inputs,
  options: ReadOptions,
): Promise<SplitRows> {
  const input = await openSource(source, split, inputs, options);
  try {
    const rows: unknown[] = [];
    for (let batch = await input.next(); batch !== undefined; batch = await input.next()) {
      // A batch's array is used again for the next one.
      for (let index = 0; index < batch.count; index++) rows.push(batch.rows[index]);
    }
    return { split, rows, bytesIn: input.bytesIn };
  } finally {
    input.close();
  }
}
