import { MinHeap } from "../base/heap.ts";
import type { StageId } from "../base/ids.ts";

/** Of the tasks that a worker should rather not have, so many are passed by before it gets another one, or none. */
const PASSED_BY_MAX = 16;

interface Waiting {
  readonly fresh: MinHeap;
  /** Those that failed before, and that not every worker should have. */
  readonly retries: MinHeap;
}

/** Tasks that wait for a worker, by stage: of each the lower partitions first, whatever the order they came in. */
export class ReadyQueue {
  readonly #stages: readonly Waiting[];
  #size = 0;
  /** No stage before this one has any. */
  #first = 0;

  constructor(stages: number) {
    this.#stages = Array.from({ length: stages }, () => ({ fresh: new MinHeap(), retries: new MinHeap() }));
  }

  get size(): number {
    return this.#size;
  }
  push(stage: StageId, partition: number, isRetry: boolean): void {
    const { fresh, retries } = this.#stages[stage]!;
    (isRetry ? retries : fresh).push(partition);
    this.#size++;
    if (stage < this.#first) this.#first = stage;
  }
  /**
   * Takes the lowest partition of the stage; undefined where none waits, or none that is not to be passed by.
   * @param passBy Asked of those that failed before.
   */
  pop(stage: StageId, passBy: (partition: number) => boolean): number | undefined {
    const { fresh, retries } = this.#stages[stage]!;
    const partition = retries.size > 0 ? (popRetry(fresh, retries, passBy) ?? fresh.pop()) : fresh.pop();
    if (partition !== undefined) this.#size--;
    return partition;
  }
  /** The first stage from this one on of which tasks wait. */
  stageFrom(from: number): StageId | undefined {
    if (this.#size === 0) return undefined;
    const stages = this.#stages;
    while (this.#first < stages.length && isEmpty(stages[this.#first]!)) this.#first++;
    for (let stage = Math.max(from, this.#first); stage < stages.length; stage++) {
      if (!isEmpty(stages[stage]!)) return stage as StageId;
    }
    return undefined;
  }
  clear(): void {
    for (const { fresh, retries } of this.#stages) {
      fresh.clear();
      retries.clear();
    }
    this.#size = 0;
  }
}

const isEmpty = ({ fresh, retries }: Waiting): boolean => fresh.size + retries.size === 0;

/** The first that is not to be passed by, if it comes before those that are fresh. */
function popRetry(
  fresh: MinHeap,
  retries: MinHeap,
  passBy: (partition: number) => boolean,
): number | undefined {
  const next = fresh.first ?? Number.POSITIVE_INFINITY;
  const passed: number[] = [];
  let found: number | undefined;
  while (passed.length < PASSED_BY_MAX && (retries.first ?? next) < next) {
    const partition = retries.pop()!;
    if (!passBy(partition)) {
      found = partition;
      break;
    }
    passed.push(partition);
  }
  for (const partition of passed) retries.push(partition);
  return found;
}
