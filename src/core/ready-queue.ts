import { MinHeap } from "../base/heap.ts";
import type { StageId } from "../base/ids.ts";

/** Tasks that wait for a worker, by stage: of each the lower partitions first, whatever the order they came in. */
export class ReadyQueue {
  readonly #heaps: readonly MinHeap[];
  #size = 0;
  /** No stage before this one has any. */
  #first = 0;

  constructor(stages: number) {
    this.#heaps = Array.from({ length: stages }, () => new MinHeap());
  }

  get size(): number {
    return this.#size;
  }
  push(stage: StageId, partition: number): void {
    this.#heaps[stage]!.push(partition);
    this.#size++;
    if (stage < this.#first) this.#first = stage;
  }
  /** Takes the lowest partition of the stage; undefined where none waits. */
  pop(stage: StageId): number | undefined {
    const partition = this.#heaps[stage]!.pop();
    if (partition !== undefined) this.#size--;
    return partition;
  }
  /** The first stage from this one on of which tasks wait. */
  stageFrom(from: number): StageId | undefined {
    if (this.#size === 0) return undefined;
    const heaps = this.#heaps;
    while (this.#first < heaps.length && heaps[this.#first]!.size === 0) this.#first++;
    for (let stage = Math.max(from, this.#first); stage < heaps.length; stage++) {
      if (heaps[stage]!.size > 0) return stage as StageId;
    }
    return undefined;
  }
  clear(): void {
    for (const heap of this.#heaps) heap.clear();
    this.#size = 0;
  }
}
