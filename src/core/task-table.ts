import { assert } from "../base/assert.ts";
import type { StageId, TaskId } from "../base/ids.ts";
import type { JobState } from "./job-state.ts";

/**
 * Where a task stands for this driver.
 * idle: its stage waits for others, or the task is complete · queued: in the ready queue · delayed: a timer brings
 * it back · running: an attempt is assigned · recording: an attempt finished and the log has not confirmed it.
 */
export const Phase = { idle: 0, queued: 1, delayed: 2, running: 3, recording: 4 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** What a driver remembers of each task besides the log: lost with the driver, and not missed. */
export class TaskTable {
  readonly #phase: Uint8Array[];
  readonly #attempts: Uint32Array[];
  readonly #losses: Uint16Array[];

  constructor(state: JobState) {
    const tasks = state.spec.stages.map((stage) => stage.tasks);
    this.#phase = tasks.map((count) => new Uint8Array(count));
    this.#attempts = tasks.map((count) => new Uint32Array(count));
    this.#losses = tasks.map((count) => new Uint16Array(count));
  }

  phase(task: TaskId): Phase {
    return this.#phase[task.stage]![task.partition] as Phase;
  }
  setPhase(task: TaskId, from: readonly Phase[], to: Phase): void {
    const phase = this.phase(task);
    if (!from.includes(phase)) assert(false, `a task goes to phase ${to} only from ${from}, not ${phase}`);
    this.#phase[task.stage]![task.partition] = to;
  }
  /** Number of the next attempt of this task in this epoch, from 0. */
  nextAttempt(task: TaskId): number {
    return this.#attempts[task.stage]![task.partition]!++;
  }
  /** Counts an attempt, or an output, that was lost through no fault of the task; returns how many there are now. */
  countLoss(task: TaskId): number {
    return ++this.#losses[task.stage]![task.partition]!;
  }
  losses(task: TaskId): number {
    return this.#losses[task.stage]![task.partition]!;
  }
  idlePartitions(stage: StageId): readonly number[] {
    const phases = this.#phase[stage]!;
    const idle: number[] = [];
    for (let partition = 0; partition < phases.length; partition++) {
      if (phases[partition] === Phase.idle) idle.push(partition);
    }
    return idle;
  }

  /** For tests and the simulator: what must hold of every task. Returns how many have an attempt under way. */
  checkAgainst(state: JobState): number {
    let underWay = 0;
    for (const { id: stage, tasks: count } of state.spec.stages) {
      for (let partition = 0; partition < count; partition++) {
        const phase = this.phase({ stage, partition });
        if (phase === Phase.running || phase === Phase.recording) underWay++;
        const done = state.completed(stage, partition) !== undefined;
        assert(!done || phase === Phase.idle, "a complete task has no other attempt under way");
      }
    }
    return underWay;
  }
}
