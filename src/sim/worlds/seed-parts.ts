/** What the runs of both worlds have in common. */
import { Prng } from "../../base/prng.ts";
import type { JobSpec } from "../../protocol/job-spec.ts";
import type { StoreHistory } from "../check/store/store-history.ts";
import { CrashPoints } from "../faults/crash-points.ts";
import { Faults } from "../faults/faults.ts";
import { drawRates, type FaultRates, NO_FAULTS } from "../faults/rates.ts";
import { CALM_WEATHER, drawWeather } from "../faults/storms.ts";
import type { SimJob, SpecialJob } from "../jobs/sim-job.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Trace } from "../trace.ts";
import type { SeedOptions, SeedResult } from "./seed.ts";

const TASK_TIMEOUT_MS = 20_000;
/** The first job of so many runs allows no result. */
const POISONED = 0.06;
/** In so many runs of nodes the store is set back. */
const SET_BACK = 0.15;

interface Clockwork {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly trace: Trace;
}

/** Draws what may go wrong in this run, and tells of it. */
export function prepareFaults(
  { scheduler, random, trace }: Clockwork,
  { calm = false, crashAt = [], listPoints = false, rates = {}, noStorms = calm }: SeedOptions,
  seed: string,
): Faults {
  const drawn = calm ? NO_FAULTS : { ...drawRates(random), ...rates };
  const points = new CrashPoints(crashAt, listPoints, (process, point) =>
    trace.fault("crash", `of ${process.name} at "${point}"`),
  );
  trace.say("", `faults: ${tellRates(drawn)}`);
  const weather = noStorms ? CALM_WEATHER : drawWeather(new Prng(`weather/${seed}`));
  return new Faults({ scheduler, random, trace, points, drawn, weather });
}

function tellRates(rates: FaultRates): string {
  const told = Object.entries(rates).flatMap(([kind, rate]: [string, number]) => {
    if (rate === 0) return [];
    return [
      kind.endsWith("Ms") || kind.endsWith("MsMax")
        ? `${kind} ${rate}`
        : `${kind} ${(100 * rate).toFixed(1)} %`,
    ];
  });
  return told.join(", ");
}

export function tellJob(trace: Trace, { name }: SimJob, { id, stages, ends, policy }: JobSpec): void {
  const tasks = stages.map((stage) => `${stage.label} x ${stage.tasks}`).join(", ");
  const limit = policy.taskTimeoutMs === undefined ? "no time limit" : `${policy.taskTimeoutMs} ms a task`;
  trace.say(
    "",
    `job ${id} (${name}): stages ${tasks}; ends ${ends.map(({ end }) => end.kind).join(", ")}; ${limit}`,
  );
}

/**
 * Of which kind a job is to be; undefined where any will do. It is drawn apart, so that it changes nothing else in a run.
 * @param index Of the job in the run.
 */
export function specialJob(
  seed: string,
  { jobs, calm = false }: SeedOptions,
  index = 0,
): SpecialJob | undefined {
  if (jobs !== undefined || calm || index > 0) return jobs;
  return new Prng(`poison/${seed}`).chance(POISONED) ? "poison" : undefined;
}

/** Whether, and how often, the store is set back in a run; drawn apart, as it changes nothing in the others. */
export function drawSetBack(seed: string): Partial<FaultRates> {
  const random = new Prng(`set back/${seed}`);
  return random.chance(SET_BACK) ? { setBackEveryMs: 2_000 + random.below(30_000) } : {};
}

/** Where no attempt can hang, some jobs have no limit: what was lost is then found in no other way. */
export function drawTimeout({ drawn, random }: Faults): number | undefined {
  return drawn.attemptHangs === 0 && random.chance(0.5) ? undefined : TASK_TIMEOUT_MS;
}

export function resultOf(run: {
  readonly seed: string;
  readonly problems: readonly string[];
  readonly trace: Trace;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly history: StoreHistory;
}): SeedResult {
  const { seed, trace, scheduler } = run;
  const { problem, gaveUp: undecided } = run.history.judge();
  const problems = [
    ...run.problems,
    ...run.history.watchProblems,
    ...(problem === undefined ? [] : [problem]),
  ];
  if (problems.length === 0) trace.say("", "all is well");
  for (const problem of problems) trace.say("", `WRONG: ${problem}`);
  const { faults, sometimes, hash: traceHash } = trace;
  const { passed: points } = run.faults.points;
  const { nowMs: virtualMs, steps } = scheduler;
  return { seed, problems, traceHash, virtualMs, steps, faults, sometimes, points, undecided };
}
