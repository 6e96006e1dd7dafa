/**
 * Runs one attempt, the same way in a thread, in the main thread and in the simulator: loads the job by the hash of
 * its bundle, builds and checks its plan, hands the stage to the engine, and turns whatever is thrown into data.
 *
 * Only a violated invariant passes through: then this thread can no longer be trusted and should end.
 */
import { InvariantViolation } from "../../base/assert.ts";
import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import type { JobId, StageId } from "../../base/ids.ts";
import type { EngineEnvironment } from "../../engine/environment.ts";
import { isStopped, runTask } from "../../engine/stage/run-task.ts";
import { labelStage } from "../../plan/label.ts";
import type { Stage, StagePlan } from "../../plan/stage.ts";
import type { BlockRef, TaskOutcome, TaskOutput } from "../../plan/task.ts";
import type { ExecutionControl, TaskControl, TaskExecutor, TaskRequest } from "../../ports/task-runner.ts";
import type { LoadJob } from "./job-loader.ts";
import { prepareJob } from "./prepare-job.ts";

export interface TaskExecutorOptions {
  readonly loadJob: LoadJob;
  /** All that one task needs from outside; the engine disposes of its scratch. */
  readonly openEnvironment: (request: TaskRequest, control: TaskControl) => EngineEnvironment;
  /** What one task may use for tables and buffers. */
  readonly memoryBytes: number;
}

/** Blocks that are asked for after one was missing. */
const ALSO_ASKED_MAX = 1_000;
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

  const run = (
    stages: StagePlan,
    request: TaskRequest,
    control: ExecutionControl,
  ): TaskOutcome | Promise<TaskOutcome> => {
    const { job, assignment } = request;
    let env: EngineEnvironment | undefined;
    try {
      control.phase("running", labelOf(stages, assignment.attempt.stage));
      env = options.openEnvironment(request, control);
      const { memoryBytes } = options;
      const output = runTask({ stages, assignment, job, env, control, memoryBytes });
      if (!(output instanceof Promise)) return finished(output);
      return output.then(finished, (thrown: unknown) => outcomeOf(thrown, request, env));
    } catch (thrown) {
      return outcomeOf(thrown, request, env);
    }
  };

  const loadAndRun = async (request: TaskRequest, control: ExecutionControl): Promise<TaskOutcome> => {
    let stages: StagePlan;
    try {
      control.phase("loading");
      stages = await loadPlan(request);
    } catch (thrown) {
      return await outcomeOf(thrown, request, undefined);
    }
    return run(stages, request, control);
  };

  return {
    execute(request, control) {
      if (control.stopRequested()) return { kind: "stopped" };
      const stages = plans.get(request.job.job);
      return stages === undefined ? loadAndRun(request, control) : run(stages, request, control);
    },
  };
}

const finished = (output: TaskOutput): TaskOutcome => ({ kind: "finished", output });

async function outcomeOf(
  thrown: unknown,
  request: TaskRequest,
  env: EngineEnvironment | undefined,
): Promise<TaskOutcome> {
  if (thrown instanceof InvariantViolation) throw thrown;
  if (isStopped(thrown)) return { kind: "stopped" };
  const error = toErrorInfo(thrown, "USER_FUNCTION");
  const lost = lostBlock(error, request);
  if (lost === undefined) return { kind: "failed", error, lostBlocks: [] };
  const others =
    error.code === "BLOB_MISSING" && env !== undefined ? await missingWith(lost, request, env) : [];
  return { kind: "failed", error, lostBlocks: [lost.key, ...others] };
}

/** An error about a blob names its `key` in `details`; only input blocks can be made again, not the bundle. */
function lostBlock({ code, details }: ErrorInfo, request: TaskRequest): BlockRef | undefined {
  if (code !== "BLOB_MISSING" && code !== "BLOB_CORRUPT") return undefined;
  return blocksRead(request).find(({ key }) => key === details.key);
}

function blocksRead({ assignment: { input, broadcasts } }: TaskRequest): readonly BlockRef[] {
  const read = [...(input.kind === "split" ? [] : input.sides), ...broadcasts].flat();
  return read.flatMap(({ blocks }) => blocks);
}

/**
 * What else is missing where a block is missing: a disk that was emptied misses all that lay on it, and to find that out one
 * block an attempt would take as many attempts.
 */
async function missingWith(
  lost: BlockRef,
  request: TaskRequest,
  { blobs }: EngineEnvironment,
): Promise<readonly string[]> {
  const keys = new Set<string>();
  for (const { key, node } of blocksRead(request)) if (node === lost.node && key !== lost.key) keys.add(key);
  const asked = [...keys].slice(0, ALSO_ASKED_MAX);
  const missing: string[] = [];
  for (const key of asked) {
    try {
      (await blobs.open(key, lost.node)).close();
    } catch (error) {
      if (!(error instanceof BicoastalError)) throw error;
      // Of what fails otherwise the next attempt finds out.
      if (error.code !== "BLOB_MISSING") break;
      missing.push(key);
    }
  }
  return missing;
}
