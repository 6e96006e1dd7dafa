/**
 * Second attempts for tasks that take much longer than the others of their stage (Dean and Ghemawat, MapReduce, OSDI 2004).
 *
 * Near the end of a stage, a node that is slow holds up everything that waits for it. Where slots are free and no task
 * waits for one, an attempt that is late gets a rival on another node; the first whose completion is durable counts, and
 * the other is stopped. Nothing that a task writes counts before that, so the two cannot mix.
 *
 * Looks around at fixed intervals instead of at every event: an attempt that is late is no less so a moment later, and the
 * look costs something for each attempt under way.
 */
import type { JobState } from "./job-state.ts";
import type { TaskTimes } from "./task-times.ts";
import { byAttempt, type LiveAttempt } from "./worker-table.ts";

/** How often it is looked for attempts that are late, while there are free slots. */
export const BACKUP_LOOK_MS = 1_000;
/** An attempt is late that takes so many times the median of its stage's completed tasks; */
export const BACKUP_FACTOR = 2;
/** and takes so long: what is over in a moment is not worth a second try. */
export const BACKUP_AFTER_MS_MIN = 2_000;

/** The attempts that should have a rival, the longest under way first. */
export function lateAttempts(
  live: Iterable<LiveAttempt>,
  state: JobState,
  times: TaskTimes,
  nowMs: number,
): readonly LiveAttempt[] {
  const lateMs = state.spec.stages.map(({ id, tasks }) => {
    const medianMs = times.medianMs(id);
    // Before half of a stage is done nobody knows what is long.
    if (medianMs === undefined || 2 * state.tasksRemaining(id) > tasks) return Number.POSITIVE_INFINITY;
    return Math.max(BACKUP_AFTER_MS_MIN, BACKUP_FACTOR * medianMs);
  });
  const late: LiveAttempt[] = [];
  for (const attempt of live) {
    const { id, recording, backedUp, rival, sinceMs } = attempt;
    if (recording || backedUp || rival !== undefined) continue;
    if (nowMs - sinceMs >= lateMs[id.stage]!) late.push(attempt);
  }
  return late.sort((a, b) => a.sinceMs - b.sinceMs || byAttempt(a, b));
}
