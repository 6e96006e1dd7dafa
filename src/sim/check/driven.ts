/**
 * L16, of jobs: one that is open has a driver, or had one a moment ago, as soon as there is a node that could be it. To be
 * looked at every now and then while no fault stands.
 */
import type { MemoryStoreBackend } from "../ports/memory-control-store-backend.ts";

/**
 * A lease has to end, and what failed while faults stood is tried again after 30 seconds at the most, which are 60 where the
 * clock that counts them was slow. Virtual milliseconds.
 */
const UNDRIVEN_MS_MAX = 70_000;

export class DrivenCheck {
  readonly problems: string[] = [];
  readonly #backend: MemoryStoreBackend;
  readonly #sinceMs = new Map<string, number>();

  constructor(backend: MemoryStoreBackend) {
    this.#backend = backend;
  }

  /** @param hasNodes Whether any node is up that could drive. */
  look(jobs: readonly string[], hasNodes: boolean, nowMs: number): void {
    for (const job of jobs) {
      const isOpen = this.#backend.get(`open/${job}`).entry !== undefined;
      const isDriven = this.#backend.get(`jobs/${job}/driver`).entry !== undefined;
      if (!isOpen || isDriven || !hasNodes) {
        this.#sinceMs.delete(job);
        continue;
      }
      const sinceMs = this.#sinceMs.get(job) ?? nowMs;
      this.#sinceMs.set(job, sinceMs);
      if (nowMs - sinceMs <= UNDRIVEN_MS_MAX || this.problems.length > 0) continue;
      this.problems.push(`L16: ${job} is open, and for ${UNDRIVEN_MS_MAX} ms nobody has driven it`);
    }
  }
}
