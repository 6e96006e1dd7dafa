import { BicoastalError } from "../../base/errors.ts";
import { cutStages } from "../../plan/cut-stages.ts";
import { describePlan, fingerprint } from "../../plan/fingerprint.ts";
import type { Plan } from "../../plan/node.ts";
import type { StagePlan } from "../../plan/stage.ts";
import type { JobContext } from "../../plan/task.ts";
import type { RunnableJob } from "./job-loader.ts";

/** Builds the job's plan with its params and cuts it. Throws PLAN_IMPURE where it is not the submitted one. */
export function prepareJob(job: RunnableJob, context: JobContext): StagePlan {
  const plan = job.build(context.params);
  if (fingerprint(plan) !== context.fingerprint) throw impure(job, context, plan);
  return cutStages(plan, context.joins);
}

function impure(job: RunnableJob, context: JobContext, plan: Plan): BicoastalError {
  const difference = firstDifference(describePlan(plan), describePlan(job.build(context.params)));
  const found =
    difference === undefined
      ? "Look for what may differ between processes: module variables that change, environment variables, files read while the plan is built."
      : `Called twice with the same params it differs: ${difference}`;
  return new BicoastalError(
    "PLAN_IMPURE",
    `\`run\` of the job "${job.name}" built another plan than the one submitted. It must be pure: the same params, ` +
      `the same plan, without the clock or randomness (inside the job's functions, \`ctx.now\` and \`ctx.random\` are there for that). ${found}`,
    { details: { job: context.job, ...(difference === undefined ? {} : { difference }) } },
  );
}

/** Longest text of one side of a difference. */
const SHOWN_CHARACTERS_MAX = 120;

/** Where two descriptions part, deepest first; undefined where they do not. */
function firstDifference(left: unknown, right: unknown): string | undefined {
  if (JSON.stringify(left) === JSON.stringify(right)) return undefined;
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
    for (const [index, value] of left.entries()) {
      const inner = firstDifference(value, right[index]);
      if (inner !== undefined) return inner;
    }
  }
  return `${shown(left)} and ${shown(right)}.`;
}

const shown = (value: unknown): string =>
  (JSON.stringify(value) ?? "undefined").slice(0, SHOWN_CHARACTERS_MAX);
