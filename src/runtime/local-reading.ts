import type { EngineEnvironment } from "../engine/environment.ts";
import { planSplits } from "../engine/read/plan-splits.ts";
import { readCollected } from "../engine/shuffle/read-collected.ts";
import type { SourceFormat } from "../plan/node.ts";
import type { SourceSplit } from "../plan/task.ts";
import type { ReadRows } from "./commit.ts";

/** What a node reads itself: the inputs' sizes before a job, and the rows to collect after it. */
export interface LocalReading {
  readonly planSplits: (source: SourceFormat) => Promise<readonly SourceSplit[]>;
  readonly readRows: ReadRows;
}

export function localReading(open: () => EngineEnvironment): LocalReading {
  return {
    planSplits: (source) => planSplits(source, open().inputs),
    readRows: (blocks, sink) => readCollected(blocks, sink, open()),
  };
}
