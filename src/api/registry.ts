/**
 * All jobs defined in this process (or thread), by name. Kept at a global symbol, so that it is one registry
 * even where two copies of the package are loaded, such as the command line's own and the user's.
 *
 * Of several jobs with one name the latest counts: a module that is loaded again, as in watch mode, replaces
 * its own. Two in one bundle are refused before they come here.
 */
import type { Job } from "./job-type.ts";

interface Registry {
  readonly jobs: Map<string, Job>;
  readonly listeners: Set<(job: Job) => void>;
}

const REGISTRY = Symbol.for("bicoastal.jobs");

function registry(): Registry {
  const holder = globalThis as { [REGISTRY]?: Registry };
  holder[REGISTRY] ??= { jobs: new Map(), listeners: new Set() };
  return holder[REGISTRY];
}

export function registerJob(job: Job): void {
  const { jobs, listeners } = registry();
  jobs.set(job.name, job);
  for (const listener of [...listeners]) listener(job);
}

/** The latest job of this name, or undefined while none has been defined. */
export const findJob = (name: string): Job | undefined => registry().jobs.get(name);

/** All jobs by name, ascending. */
export const definedJobs = (): readonly Job[] =>
  [...registry().jobs.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

/** Calls back with every job defined from now on. Returns a function that ends it. */
export function onJobDefined(callback: (job: Job) => void): () => void {
  const { listeners } = registry();
  const listener = (job: Job): void => callback(job);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
