/** How a run becomes a job with a name of its own, the same on one machine and on many. */
import type { ContentHash, JobId } from "../base/ids.ts";
import type { Plan } from "../plan/node.ts";
import type { Clock } from "../ports/clock.ts";
import type { Outputs } from "../ports/outputs.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import { outputTargets } from "./commit.ts";
import type { PlanSplits } from "./lay-out-plan.ts";
import { prepareJob } from "./prepare-job.ts";

const RETRY_DELAY_MS = 100;
const RETRY_DELAY_MS_MAX = 10_000;

export interface SubmitRequest {
  readonly name: string;
  readonly params: unknown;
  readonly plan: Plan;
  readonly bundle: ContentHash;
  readonly attemptsMax: number;
  readonly taskTimeoutMs: number | undefined;
  /** See `JobSpec.trace`. */
  readonly trace?: string;
}

export interface NewJobPorts {
  readonly planSplits: PlanSplits;
  readonly resolvePath: (path: string) => string;
  /** Lower-case letters and digits that nobody else will draw. */
  readonly randomId: () => string;
  readonly clock: Clock;
  readonly outputs: Outputs;
}

/** Lists the inputs and checks the outputs; nothing is stored yet. */
export async function newJob(request: SubmitRequest, ports: NewJobPorts): Promise<JobSpec> {
  const { name, params, plan, bundle, attemptsMax, taskTimeoutMs } = request;
  const { planSplits, resolvePath, randomId, clock, outputs } = ports;
  const spec = await prepareJob({
    id: `${name}-${randomId()}` as JobId,
    name,
    params,
    plan,
    // The seed is the job's name and params, not its id: the same job on the same input draws the same numbers.
    constants: { seed: `${name}/${JSON.stringify(params)}`, submittedAtMs: clock.wallMs(), bundle },
    policy: {
      attemptsMax,
      taskTimeoutMs,
      retryDelayMs: RETRY_DELAY_MS,
      retryDelayMsMax: RETRY_DELAY_MS_MAX,
    },
    planSplits,
    resolvePath,
  });
  for (const target of outputTargets(spec)) await outputs.check(target);
  return request.trace === undefined ? spec : { ...spec, trace: request.trace };
}
