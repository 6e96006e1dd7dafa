import type { DriverEffect, DriverNote } from "./effect.ts";

/** One step as it is worked out: the time it happens at, and what it wants done so far. */
export class Step {
  /** Monotonic. */
  nowMs = 0;
  /** For the log's readers only. */
  wallMs = 0;
  #effects: DriverEffect[] = [];

  begin(nowMs: number, wallMs: number): void {
    this.nowMs = nowMs;
    this.wallMs = wallMs;
    this.#effects = [];
  }
  want(effect: DriverEffect): void {
    this.#effects.push(effect);
  }
  note(note: DriverNote): void {
    this.#effects.push({ kind: "note", note });
  }
  get effects(): readonly DriverEffect[] {
    return this.#effects;
  }
}
