import { type TaskId, taskKey } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import type { JobState } from "./job-state.ts";

/**
 * The pause before a task that failed so many times is tried again: doubles with each failure up to the policy's most, half
 * of it drawn by chance so that tasks that failed together do not come back together.
 */
export function retryDelayMs({ spec, epoch }: JobState, task: TaskId, failures: number): number {
  const { retryDelayMs: first, retryDelayMsMax } = spec.policy;
  const ceilingMs = Math.min(first * 2 ** (failures - 1), retryDelayMsMax);
  const chance = new Prng(`${spec.constants.seed}/${epoch}/${taskKey(task)}/${failures}`).next();
  return Math.ceil(ceilingMs * (0.5 + 0.5 * chance));
}
