/** Reads the small side of a join into its table. */

import type { ProducerBlocks } from "../../../plan/task.ts";
import { GroupSorter } from "../group/group-sorter.ts";
import { framesOf, type ReadMeter, type ShuffleRequest } from "../shuffle-request.ts";
import type { BroadcastTable } from "./broadcast-table.ts";
import { estimateFrameBytes } from "./frame-size.ts";
import { MatchIndex } from "./match-index.ts";
import { END, RowChains } from "./row-chains.ts";
import { SortedFile } from "./sorted-file.ts";

/** What a row costs besides key and value: its places in the index and the chain. */
const ROW_BYTES = 48;
const PARTITION = 0;

export interface BroadcastRequest
  extends Pick<ShuffleRequest, "env" | "memoryBytes" | "checkpoint" | "breathe"> {
  readonly producers: readonly ProducerBlocks[];
}

/** Reads all of the small side. Throws BLOB_MISSING and BLOB_CORRUPT with `details.key`, and DISK_FULL. */
export async function openBroadcast(request: BroadcastRequest): Promise<BroadcastTable> {
  const { producers, env, checkpoint, breathe } = request;
  // Rows that do not fit move from one to the other, and are in both for a moment.
  const memoryBytes = Math.max(1, Math.floor(request.memoryBytes / 2));
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
          table.moveTo(sorter);
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
  readonly #index = new MatchIndex();
  readonly #rows = new RowChains();
  /** By row. */
  readonly #entries: number[] = [];

  add(keys: readonly unknown[], values: readonly unknown[]): void {
    for (let row = 0; row < values.length; row++) {
      const entry = this.#index.enter(keys[row]);
      this.#entries.push(entry);
      this.#rows.add(entry, values[row]);
    }
    this.bytes += estimateFrameBytes(keys, values) + values.length * ROW_BYTES;
  }

  moveTo(sorter: GroupSorter): void {
    for (const [row, entry] of this.#entries.entries())
      sorter.add(this.#index.keys[entry], this.#rows.values[row]);
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
