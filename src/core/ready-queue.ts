import { MinHeap } from "../base/heap.ts";
import { type StageId, stageId, type TaskId } from "../base/ids.ts";

/** More partitions than any stage has; keeps stage and partition together in one exact number. */
const STAGE_STRIDE = 2 ** 32;

/** Tasks that wait for a worker: earlier stages first, then lower partitions, whatever the order they came in. */
export class ReadyQueue {
  readonly #heap = new MinHeap();

  get size(): number {
    return this.#heap.size;
  }
  push(stage: StageId, partition: number): void {
    this.#heap.push(stage * STAGE_STRIDE + partition);
  }
  pop(): TaskId | undefined {
    const task = this.#heap.pop();
    if (task === undefined) return undefined;
    return { stage: stageId(Math.floor(task / STAGE_STRIDE)), partition: task % STAGE_STRIDE };
  }
  clear(): void {
    this.#heap.clear();
  }
}
