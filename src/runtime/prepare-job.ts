import { assert } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import type { JobId } from "../base/ids.ts";
import { fingerprint } from "../plan/fingerprint.ts";
import { labelStage } from "../plan/label.ts";
import type { EndNode, Plan } from "../plan/node.ts";
import type { JobConstants, JobContext } from "../plan/task.ts";
import {
  type EndShape,
  type JobPolicy,
  type JobSpec,
  type StageShape,
  TASKS_MAX,
} from "../protocol/job-spec.ts";
import { layOutPlan, type PlanLayout, type PlanSplits } from "./lay-out-plan.ts";

export interface PrepareJob {
  readonly id: JobId;
  readonly name: string;
  readonly params: unknown;
  readonly plan: Plan;
  readonly constants: JobConstants;
  readonly policy: JobPolicy;
  readonly planSplits: PlanSplits;
  /** Makes the path of an output absolute. */
  readonly resolvePath: (path: string) => string;
}

/** Freezes a plan into the job that is submitted: its inputs are listed and cut here, once. */
export async function prepareJob(request: PrepareJob): Promise<JobSpec> {
  const { id, name, params, plan, constants, policy } = request;
  const layout = await layOutPlan(plan, request.planSplits);
  const { joins, splits } = layout;
  const stages = shapeStages(layout);
  const tasks = stages.reduce((sum, stage) => sum + stage.tasks, 0);
  if (tasks > TASKS_MAX) throw tooManyTasks(name, tasks);
  const ends = plan.ends.map(({ name: endName, end }, index): EndShape => {
    return {
      name: endName,
      producers: layout.stages.endProducers[index]!,
      end: shapeEnd(end, request.resolvePath),
    };
  });
  refuseSharedDirectories(name, ends);
  const version = 1;
  return {
    version,
    id,
    name,
    params,
    constants,
    fingerprint: fingerprint(plan),
    joins,
    stages,
    ends,
    shape: plan.shape,
    splits,
    policy,
  };
}

function shapeStages({ stages, sizes }: PlanLayout): readonly StageShape[] {
  return stages.stages.map((stage, index) => {
    const { id, dependsOn, input } = stage;
    const size = sizes[index];
    assert(size !== undefined, "every stage has a size");
    const shapedInput =
      input.kind === "source"
        ? ({ kind: "source", sourceIndex: input.sourceIndex } as const)
        : ({ kind: "shuffle", sides: input.sides } as const);
    const broadcasts = stage.broadcasts.map(({ producers }) => producers);
    return { id, label: labelStage(stage), dependsOn, input: shapedInput, broadcasts, ...size };
  });
}

function shapeEnd(end: EndNode, resolvePath: (path: string) => string): EndShape["end"] {
  if (end.kind === "collect") return { kind: "collect", rowsMax: end.rowsMax, single: end.single };
  const { format, directory, overwrite } = end;
  return { kind: "write", format, directory: resolvePath(directory), overwrite };
}

/** Each directory is shown whole, by one rename: none may be, or lie in, another's. */
function refuseSharedDirectories(job: string, ends: readonly EndShape[]): void {
  const written = ends.flatMap(({ name, end }) =>
    end.kind === "write" ? [{ name, directory: end.directory }] : [],
  );
  for (const inner of written) {
    const outer = written.find((other) => other !== inner && isWithin(inner.directory, other.directory));
    if (outer === undefined) continue;
    const where =
      inner.directory === outer.directory ? "the same directory" : `a directory within ${outer.directory}`;
    const message = `Job ${job} writes "${outer.name}" and "${inner.name}" into ${where}: ${inner.directory}. Give each a directory of its own.`;
    throw new BicoastalError("JOB_INVALID", message, {
      details: { ends: [outer.name, inner.name], path: inner.directory },
    });
  }
}

/** Both absolute and normalised. */
const isWithin = (inner: string, outer: string): boolean =>
  inner === outer || (inner.startsWith(outer) && /[/\\]/.test(`${outer.at(-1)}${inner[outer.length]}`));

function tooManyTasks(name: string, tasks: number): BicoastalError {
  const message = `Job ${name} would have ${tasks} tasks; at most ${TASKS_MAX} are allowed. Raise splitBytes on its sources, or give its shuffles fewer partitions.`;
  return new BicoastalError("JOB_INVALID", message, { details: { tasks, tasksMax: TASKS_MAX } });
}

/** What every task of the job is told. */
export function contextOf(spec: JobSpec): JobContext {
  const { id: job, name, params, constants, fingerprint: planned, joins } = spec;
  const outputDirectories = spec.ends.map(({ end }) => (end.kind === "write" ? end.directory : ""));
  return { job, name, params, constants, fingerprint: planned, joins, outputDirectories };
}
