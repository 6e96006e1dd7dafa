/** What is checked of a run before there is a job, wherever it is to run. */
import { BicoastalError } from "../base/errors.ts";
import type { ContentHash } from "../base/ids.ts";
import type { RunnableJob } from "../runtime/executor/job-loader.ts";
import type { SubmitRequest } from "../runtime/new-job.ts";
import { isJob, type Job } from "./job.ts";
import { type MachineSize, type RunSettings, runSettings } from "./run-settings.ts";
import type { RunOptions } from "./session.ts";
import { showValue } from "./show-value.ts";

/** A job's module as a stored bundle, and the job as that bundle defines it. */
export interface BundledJob {
  readonly hash: ContentHash;
  readonly job: RunnableJob;
}

export interface CheckedRun<Bundle extends BundledJob> {
  readonly settings: RunSettings;
  readonly bundle: Bundle;
  readonly request: SubmitRequest;
}

/** Throws JOB_INVALID for what is no job, USAGE for options, and what params and plan are wrong of. */
export async function checkRun<Params, Result, Bundle extends BundledJob>(
  job: Job<Params, Result>,
  params: Partial<Params> | Params | undefined,
  options: RunOptions,
  parts: { readonly machine: MachineSize; readonly bundle: (job: Job) => Promise<Bundle> },
): Promise<CheckedRun<Bundle>> {
  if (!isJob(job)) {
    throw new BicoastalError(
      "JOB_INVALID",
      `run() was given ${showValue(job)}; it takes what job({ … }) returned.`,
    );
  }
  const settings = runSettings(options, parts.machine);
  const parsed = await job.parseParams(params ?? {}, options.flags);
  const bundle = await parts.bundle(job);
  const plan = bundle.job.build(parsed);
  const { attemptsMax, taskTimeoutMs } = settings;
  const { name } = job;
  return {
    settings,
    bundle,
    request: { name, params: parsed, plan, bundle: bundle.hash, attemptsMax, taskTimeoutMs },
  };
}
