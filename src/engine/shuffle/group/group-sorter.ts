/**
 * Brings rows into key order, equal keys in order of arrival, in bounded memory: each time the budget is used up
 * everything becomes a sorted run on scratch.
 */
import { compareKeys } from "../../../base/compare.ts";
import type { FrameColumns } from "../block/frame.ts";
import type { Cursor } from "../runs/cursor.ts";
import { RunStore, type RunStoreOptions } from "../runs/runs.ts";
import { GroupFrame } from "./group-frame.ts";
import { GroupRows } from "./group-rows.ts";

export class GroupSorter {
  readonly #memoryBytes: number;
  readonly #memory = new GroupRows();
  readonly #runs: RunStore;

  constructor(options: Omit<RunStoreOptions, "order">) {
    this.#memoryBytes = options.memoryBytes;
    this.#runs = new RunStore({ ...options, order: compareKeys });
  }

  /** Whether nothing was written to scratch. */
  get inMemory(): boolean {
    return this.#runs.isEmpty;
  }

  /** Takes a sorted run that comes before all rows. */
  begin(run: Cursor): void {
    this.#runs.spill(run);
  }

  add(key: unknown, value: unknown): void {
    this.#memory.add(key, value);
    if (this.#memory.bytes >= this.#memoryBytes) this.#spill();
  }

  /** As `add`, for all rows of a frame. */
  take(columns: FrameColumns): void {
    const frame = new GroupFrame(columns);
    while (!frame.isDone) if (frame.addTo(this.#memory, this.#memoryBytes)) this.#spill();
  }

  /** All rows by key, then by arrival. No more can be added. */
  finish(): Cursor {
    if (this.inMemory) return this.#memory.sorted();
    if (this.#memory.rows > 0) this.#spill();
    return this.#runs.merged();
  }

  dispose(): void {
    this.#memory.clear();
    this.#runs.dispose();
  }

  #spill(): void {
    this.#runs.spill(this.#memory.sorted());
    this.#memory.clear();
  }
}
