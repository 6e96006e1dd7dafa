/** Reads the small side of a join into its table. */

import type { ProducerBlocks } from "../../../plan/task.ts";
import { KeyIndex } from "../aggregate/key-index.ts";
import { GroupSorter } from "../group/group-sorter.ts";
import type { Cursor } from "../runs/cursor.ts";
import { framesOf, type ReadMeter, type ShuffleRequest } from "../shuffle-request.ts";
import type { BroadcastTable } from "./broadcast-table.ts";
import { ROW_BYTES, sortedRows } from "./chained-rows.ts";
import { estimateFrameBytes } from "./frame-size.ts";
import { END, RowChains } from "./row-chains.ts";
import { SortedFile } from "./sorted-file.ts";

const PARTITION = 0;

export interface BroadcastRequest
  extends Pick<ShuffleRequest, "env" | "memoryBytes" | "checkpoint" | "breathe"> {
  readonly producers: readonly ProducerBlocks[];
}

/** Reads all of the small side. Throws BLOB_MISSING and BLOB_CORRUPT with `details.key`, and DISK_FULL. */
export async function openBroadcast(request: BroadcastRequest): Promise<BroadcastTable> {
  const { producers, env, checkpoint, breathe } = request;
  const { memoryBytes } = request;
  const meter: ReadMeter = { bytes: 0 };
  let table: MemoryTable | undefined = new MemoryTable();
  let sorter: GroupSorter | undefined;
  try {
    for await (const { keys, values } of framesOf(producers, PARTITION, env, meter, "nested")) {
      if (sorter !== undefined)
        for (let row = 0; row < values.length; row++) sorter.add(keys[row], values[row]);
      else {
        table?.add(keys, values);
        if (table !== undefined && table.bytes > memoryBytes) {
          sorter = new GroupSorter({ env, memoryBytes, checkpoint });
          sorter.begin(table.sorted());
          table = undefined;
        }
      }
      checkpoint?.();
      if (breathe !== undefined) await breathe();
    }
    if (table !== undefined) return table;
    return SortedFile.write(sorter!.finish(), { env, memoryBytes, checkpoint });
  } finally {
    sorter?.dispose();
  }
}

class MemoryTable implements BroadcastTable {
  readonly inMemory = true;
  bytes = 0;
  readonly #index = new KeyIndex();
  readonly #rows = new RowChains();

  add(keys: readonly unknown[], values: readonly unknown[]): void {
    for (let row = 0; row < values.length; row++) {
      this.#rows.add(this.#index.enter(keys[row]), values[row]);
    }
    this.bytes += estimateFrameBytes(keys, values) + values.length * ROW_BYTES;
  }

  /** All rows by key. */
  sorted(): Cursor {
    return sortedRows(this.#index, this.#rows);
  }

  find(key: unknown): number {
    const entry = this.#index.find(key);
    return entry < 0 ? END : this.#rows.first(entry);
  }

  following(row: number): number {
    return this.#rows.next(row);
  }

  valueAt(row: number): unknown {
    return this.#rows.values[row];
  }

  dispose(): void {}
}
