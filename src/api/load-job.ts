/** Finding the job in a module that was just loaded. */
import { BicoastalError } from "../base/errors.ts";
import { isJob, type Job } from "./job.ts";
import type { RunOptions } from "./session.ts";
import { adviseNames } from "./suggest.ts";

export interface LoadJobRequest {
  /** As the user wrote it. */
  readonly file: string;
  /** Which job, where the file has several; undefined: the only one, or the default export. */
  readonly name?: string | undefined;
  readonly dataDir?: string | undefined;
  /** Where the job is to run at once with these options: a thread starts while it is loaded. */
  readonly run?: RunOptions | undefined;
}

/**
 * Picks the job: the one named, else the default export, else the only one.
 * @param exported The module's namespace; undefined where its evaluation never ends.
 * @param defined Jobs that the module defined, exported or not.
 */
export function pickJob(
  { file, name }: LoadJobRequest,
  exported: object | undefined,
  defined: readonly Job[],
): Job {
  const fromExports = Object.values(exported ?? {}).filter(isJob);
  const jobs = [...new Map([...fromExports, ...defined].map((job) => [job.name, job])).values()];
  const names = jobs.map((job) => job.name).sort();
  if (name !== undefined) {
    const named = jobs.find((job) => job.name === name);
    if (named !== undefined) return named;
    throw usage(file, `defines no job "${name}". ${adviseNames(name, names, "jobs")}`);
  }
  const byDefault = (exported as { default?: unknown } | undefined)?.default;
  if (isJob(byDefault)) return byDefault;
  const [only, ...others] = jobs;
  if (only === undefined)
    throw usage(file, "defines no job: `export default job({ … })` in it, at the top level.");
  if (others.length === 0) return only;
  throw usage(
    file,
    `defines several jobs: ${names.join(", ")}. Choose one with --job NAME, or export it as default.`,
  );
}

const usage = (file: string, what: string): BicoastalError =>
  new BicoastalError("USAGE", `${file} ${what}`, { details: { file } });
