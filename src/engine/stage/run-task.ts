/**
 * Runs one attempt of a task: opens the input, takes it batch by batch through the stage's generated loops, and
 * makes the output durable.
 *
 * Everything asynchronous happens between batches; the loops, the user's functions and the sinks are synchronous.
 * The output depends on the assignment and the job alone, never on timing or on how much memory there is. Whatever
 * goes wrong, nothing half-made stays behind.
 */
import { assert, InvariantViolation } from "../../base/assert.ts";
import type { TaskOutput } from "../../plan/task.ts";
import { Stopped } from "./stopped.ts";
import { type RunTaskRequest, TaskRun } from "./task-run.ts";

export { isStopped } from "./stopped.ts";
export type { RunTaskRequest } from "./task-run.ts";

/**
 * Throws an error that `isStopped` recognises when it was asked to stop; a `BicoastalError` for what the user can
 * mend: USER_FUNCTION with the operator, source line and record, and whatever inputs, blocks and outputs throw.
 */
export async function runTask(request: RunTaskRequest): Promise<TaskOutput> {
  const { stages, assignment, env, control } = request;
  const stage = stages.stages[assignment.attempt.stage];
  assert(stage !== undefined, "the stage of an assignment is one of the plan");
  assert(assignment.sinkPartitions.length === stage.sinks.length, "every sink has its number of partitions");
  try {
    if (control.stopRequested()) throw new Stopped();
    const run = new TaskRun(stage, request);
    try {
      return await run.complete();
    } finally {
      run.close();
    }
  } catch (error) {
    // A function that minds `ctx.signal` ends with an error of its own making.
    if (control.stopRequested() && !(error instanceof InvariantViolation)) throw new Stopped();
    throw error;
  } finally {
    env.scratch.dispose();
  }
}
