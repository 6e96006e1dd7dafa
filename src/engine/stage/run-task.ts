/**
 * Runs one attempt of a task: opens the input, takes it batch by batch through the stage's generated loops, and
 * makes the output durable.
 *
 * Everything asynchronous happens between batches; the loops, the user's functions and the sinks are synchronous.
 * The output depends on the assignment and the job alone, never on timing or on how much memory there is. Whatever
 * goes wrong, nothing half-made stays behind.
 */
import { assert, InvariantViolation } from "../../base/assert.ts";
import type { Stage } from "../../plan/stage.ts";
import type { TaskOutput } from "../../plan/task.ts";
import { Stopped } from "./stopped.ts";
import { type RunTaskRequest, TaskRun } from "./task-run.ts";

export { isStopped } from "./stopped.ts";
export type { RunTaskRequest } from "./task-run.ts";

/**
 * Throws an error that `isStopped` recognises when it was asked to stop; a `BicoastalError` for what the user can
 * mend: USER_FUNCTION with the operator, source line and record, and whatever inputs, blocks and outputs throw. Gives a promise,
 * which then rejects with the same, only where something has to be waited for: to wait for nothing costs more than a small task.
 */
export function runTask(request: RunTaskRequest): TaskOutput | Promise<TaskOutput> {
  const { stages, assignment } = request;
  const stage = stages.stages[assignment.attempt.stage];
  assert(stage !== undefined, "the stage of an assignment is one of the plan");
  assert(assignment.sinkPartitions.length === stage.sinks.length, "every sink has its number of partitions");
  let waits = false;
  try {
    const output = complete(stage, request);
    if (!(output instanceof Promise)) return output;
    waits = true;
    return completeLater(output, request);
  } catch (error) {
    throw explain(error, request);
  } finally {
    if (!waits) request.env.scratch.dispose();
  }
}

function complete(stage: Stage, request: RunTaskRequest): TaskOutput | Promise<TaskOutput> {
  if (request.control.stopRequested()) throw new Stopped();
  const run = new TaskRun(stage, request);
  let waits = false;
  try {
    const output = run.complete();
    if (!(output instanceof Promise)) return output;
    waits = true;
    return output.finally(() => run.close());
  } finally {
    if (!waits) run.close();
  }
}

async function completeLater(output: Promise<TaskOutput>, request: RunTaskRequest): Promise<TaskOutput> {
  try {
    return await output;
  } catch (error) {
    throw explain(error, request);
  } finally {
    request.env.scratch.dispose();
  }
}

/** A function that minds `ctx.signal` ends with an error of its own making. */
function explain(error: unknown, { control }: RunTaskRequest): unknown {
  return control.stopRequested() && !(error instanceof InvariantViolation) ? new Stopped() : error;
}
