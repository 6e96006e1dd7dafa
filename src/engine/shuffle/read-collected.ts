import type { BlockRef } from "../../plan/task.ts";
import type { EngineEnvironment } from "../environment.ts";
import { BlockReader } from "./block/block-reader.ts";
import { collectTooLarge } from "./row-sinks.ts";

export interface ReadCollectedOptions {
  /** Throws COLLECT_TOO_LARGE before it reads more rows than this. */
  readonly rowsMax: number;
}

/**
 * What the tasks of one stage collected, in the order of their blocks: some rows at a time, which are the caller's
 * to keep. Throws BLOB_MISSING and BLOB_CORRUPT with `details.key`.
 */
export async function* readCollected(
  refs: readonly BlockRef[],
  sinkIndex: number,
  env: Pick<EngineEnvironment, "blobs" | "codec" | "crc32" | "lz4">,
  options: ReadCollectedOptions = { rowsMax: Number.POSITIVE_INFINITY },
): AsyncGenerator<readonly unknown[], void, undefined> {
  let rows = 0;
  for (const ref of refs) {
    const block = await BlockReader.open(ref, env);
    try {
      const extents = block.frames(sinkIndex, 0);
      await block.prepare(extents);
      for (const extent of extents) {
        rows += extent.rows;
        if (rows > options.rowsMax) throw collectTooLarge(options.rowsMax);
        yield block.read(extent, "all").values;
      }
    } finally {
      block.close();
    }
  }
}
