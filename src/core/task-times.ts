import type { StageId } from "../base/ids.ts";

/** Classes of times, so many to a doubling: a median is known to less than a tenth. */
const CLASSES_PER_DOUBLING = 8;
/** The last class holds all that is longer: years. */
const CLASSES = 40 * CLASSES_PER_DOUBLING;

/** How long the tasks of each stage took, in classes: counting one and asking for the median cost the same for any number. */
export class TaskTimes {
  readonly #counts: Uint32Array[];
  readonly #totals: number[];

  constructor(stages: number) {
    this.#counts = Array.from({ length: stages }, () => new Uint32Array(CLASSES));
    this.#totals = new Array<number>(stages).fill(0);
  }

  count(stage: StageId, ms: number): void {
    const place = Math.floor(Math.log2(1 + Math.max(0, ms)) * CLASSES_PER_DOUBLING);
    this.#counts[stage]![Math.min(place, CLASSES - 1)]!++;
    this.#totals[stage]!++;
  }

  /** Whether a task of the stage was counted. */
  has(stage: StageId): boolean {
    return this.#totals[stage]! > 0;
  }

  /** At least the median, and less than a tenth (and a millisecond) above it; undefined where no task was counted. */
  medianMs(stage: StageId): number | undefined {
    const total = this.#totals[stage]!;
    if (total === 0) return undefined;
    const counts = this.#counts[stage]!;
    let place = 0;
    for (let seen = counts[0]!; 2 * seen < total; ) seen += counts[++place]!;
    return 2 ** ((place + 1) / CLASSES_PER_DOUBLING) - 1;
  }
}
