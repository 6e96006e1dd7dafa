/**
 * Runs one attempt, the same way in a thread, in the main thread and in the simulator: loads the job by the hash of
 * its bundle, builds and checks its plan, hands the stage to the engine, and turns whatever is thrown into data.
 *
 * Only a violated invariant passes through: then this thread can no longer be trusted and should end.
 */
import { InvariantViolation } from "../../base/assert.ts";
import { type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import type { JobId, StageId } from "../../base/ids.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import { isStopped, runTask } from "../../engine/stage/run-task.ts";
import { labelStage } from "../../plan/label.ts";
import type { Stage, StagePlan } from "../../plan/stage.ts";
import type { TaskOutcome } from "../../plan/task.ts";
import type { TaskExecutor, TaskRequest } from "../../ports/task-runner.ts";
import type { LoadJob } from "./job-loader.ts";
import { prepareJob } from "./prepare-job.ts";

export interface TaskExecutorOptions {
  readonly loadJob: LoadJob;
  /** All that one task needs from outside; the engine disposes of its scratch. */
  readonly openEnvironment: (request: TaskRequest) => EngineEnvironment;
  /** What one task may use for tables and buffers. */
  readonly memoryBytes: number;
}

/** Plans kept: a thread works on one job or a few at a time. */
const PLANS_KEPT_MAX = 8;

export function createTaskExecutor(options: TaskExecutorOptions): TaskExecutor {
  const plans = new Map<JobId, StagePlan>();
  const labels = new WeakMap<Stage, string>();

  const labelOf = ({ stages }: StagePlan, id: StageId): string | undefined => {
    const stage = stages[id];
    if (stage === undefined) return undefined;
    const known = labels.get(stage);
    if (known !== undefined) return known;
    const label = labelStage(stage);
    labels.set(stage, label);
    return label;
  };

  const loadPlan = async ({ job }: TaskRequest): Promise<StagePlan> => {
    const plan = prepareJob(await options.loadJob(job), job);
    const [oldest] = plans.keys();
    if (plans.size >= PLANS_KEPT_MAX && oldest !== undefined) plans.delete(oldest);
    plans.set(job.job, plan);
    return plan;
  };

  return {
    async execute(request, control) {
      if (control.stopRequested()) return { kind: "stopped" };
      try {
        control.phase("loading");
        const stages = plans.get(request.job.job) ?? (await loadPlan(request));
        const { job, assignment } = request;
        control.phase("running", labelOf(stages, assignment.attempt.stage));
        const env = options.openEnvironment(request);
        const { memoryBytes } = options;
        const output = await runTask({ stages, assignment, job, env, control, memoryBytes });
        return { kind: "finished", output };
      } catch (thrown) {
        return outcomeOf(thrown, request);
      }
    },
  };
}

function outcomeOf(thrown: unknown, request: TaskRequest): TaskOutcome {
  if (thrown instanceof InvariantViolation) throw thrown;
  if (isStopped(thrown)) return { kind: "stopped" };
  const error = toErrorInfo(thrown, "USER_FUNCTION");
  return { kind: "failed", error, lostBlocks: lostBlocks(error, request) };
}

/** An error about a blob names its `key` in `details`; only input blocks can be made again, not the bundle. */
function lostBlocks({ code, details }: ErrorInfo, { assignment }: TaskRequest): readonly string[] {
  if (code !== "BLOB_MISSING" && code !== "BLOB_CORRUPT") return [];
  const { input, broadcasts } = assignment;
  const read = [...(input.kind === "split" ? [] : input.sides), ...broadcasts].flat();
  const keys = read.flatMap(({ blocks }) => blocks.map(({ key }) => key));
  return keys.filter((key) => key === details.key);
}
