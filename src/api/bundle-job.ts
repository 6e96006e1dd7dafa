/**
 * `job` as bundles have it. A bundle is evaluated once in a process or thread, and what it holds is told from
 * others by its file's name: of two jobs with one name in it, the threads would run the last, whichever was asked
 * for. So the second is refused. Elsewhere it is not: tests define jobs of one name in turn, and in watch mode a
 * module that is loaded again replaces its own.
 */
import { BicoastalError } from "../base/errors.ts";
import { callerFile, callerPlace } from "./call-site.ts";
import { defineJob, type JobDefinition, type job } from "./job.ts";
import { registerJob } from "./registry.ts";

/** By file and name of the job, where it was defined. */
const places = new Map<string, () => string | undefined>();

/** Throws JOB_INVALID where the bundle has defined another job of this name, at another place. */
export const jobOfBundle = ((definition: JobDefinition) => {
  const made = defineJob(definition, jobOfBundle);
  refuseSecond(made.name);
  registerJob(made);
  return made;
}) as typeof job;

function refuseSecond(name: string): void {
  const findPlace = callerPlace(jobOfBundle);
  const file = callerFile(jobOfBundle);
  if (file === undefined) return;
  const key = `${name}/${file}`;
  const findFirst = places.get(key);
  if (findFirst === undefined) {
    places.set(key, findPlace);
    return;
  }
  const [first, place] = [findFirst(), findPlace()];
  // One place that is reached twice, such as a job made in a function, is the user's own business.
  if (first === undefined || place === undefined || first === place) return;
  throw new BicoastalError(
    "JOB_INVALID",
    `Two jobs are named ${name}: the one at ${first}, and the one at ${place}. Give one of them another name.`,
    { details: { job: name, places: [first, place] } },
  );
}
