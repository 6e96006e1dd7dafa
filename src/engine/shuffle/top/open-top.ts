/**
 * The reduce side of top: the greatest of what the map tasks found greatest. Each time the heap fills the memory it
 * becomes a sorted run on scratch, so that a top of any number of records of any size fits.
 */
import { compareKeys } from "../../../base/compare.ts";
import type { TopNode } from "../../../plan/node.ts";
import type { Batch, BatchInput } from "../../batch.ts";
import { BatchRows, GeneratedInput } from "../generated-input.ts";
import { owned } from "../own-string.ts";
import type { Cursor } from "../runs/cursor.ts";
import { RunStore } from "../runs/runs.ts";
import { type ReadMeter, type ShuffleRequest, takePairs } from "../shuffle-request.ts";
import { TopHeap, type TopRows } from "./top-heap.ts";

export function openTop(request: ShuffleRequest<TopNode>): BatchInput {
  const meter: ReadMeter = { bytes: 0 };
  return new GeneratedInput(async () => {
    const { count } = request.node;
    const heap = new TopHeap(count);
    // Runs are merged in the order of their making, so that of equal keys the earlier come first.
    const runs = new RunStore({ ...request, order: (a, b) => compareKeys(b, a) });
    const spill = (): void => runs.spill(cursorOf(heap.letGo()));
    const dispose = (): void => runs.dispose();
    try {
      for (const side of request.sides) {
        await takePairs(side, request, meter, (key, row) => {
          if (!heap.wants(key)) return;
          heap.add(owned(key), owned(row));
          if (heap.bytes >= request.memoryBytes) spill();
        });
      }
      if (runs.isEmpty) return { batches: batchesOf(cursorOf(heap.letGo()), count), dispose };
      if (!heap.isEmpty) spill();
      return { batches: batchesOf(runs.merged(), count), dispose };
    } catch (error) {
      dispose();
      throw error;
    }
  }, meter);
}

function cursorOf({ keys, rows }: TopRows): Cursor {
  let at = -1;
  const cursor = {
    key: undefined as unknown,
    value: undefined as unknown,
    next(): boolean {
      if (++at >= keys.length) return false;
      cursor.key = keys[at];
      cursor.value = rows[at];
      return true;
    },
  };
  return cursor;
}

function* batchesOf(rows: Cursor, count: number): Generator<Batch, void> {
  const batch = new BatchRows();
  for (let taken = 0; taken < count && rows.next(); taken++) {
    batch.push(rows.value);
    if (batch.isFull) {
      yield batch.batch();
      batch.clear();
    }
  }
  if (batch.rows.length > 0) yield batch.batch();
}
