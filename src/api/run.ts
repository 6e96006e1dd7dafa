import type { Job } from "./job.ts";
import type { ParamsThen, RunOptions, Session, SessionOptions } from "./session.ts";

/** The options of a run and of the session made for it. */
export type RunAndSessionOptions = RunOptions & SessionOptions;

/**
 * Opens a data directory for submitting, resuming and looking at jobs. Close it in the end.
 *
 * Throws STORE_UNAVAILABLE where the directory cannot be used.
 */
export async function connect(options: SessionOptions = {}): Promise<Session> {
  // The store and what else is heavy is loaded only here.
  const { composeSession } = await import("./compose.ts");
  return composeSession(options);
}

/**
 * Runs a job on every core of this machine and resolves with its result: rows for a data set, a value for an end
 * such as `count()`, a record of these for a record.
 *
 * The job must be defined at the top level of a module: its threads load that module too. There a call of `run`
 * does nothing, so a script may define a job and run it.
 *
 * Throws the job's error as a `BicoastalError`; `details.job` is what `resume` takes.
 *
 * @example
 * const rows = await run(wordcount, { input: "logs/*.txt" });
 */
export async function run<Params, Result>(
  job: Job<Params, Result>,
  ...[params, { dataDir, store, ...options } = {}]: ParamsThen<Params, RunAndSessionOptions>
): Promise<Result> {
  const session = await connect({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(store === undefined ? {} : { store }),
  });
  try {
    const rest = [params, options] as ParamsThen<Params, RunOptions>;
    return (await session.run(job, ...rest)).result;
  } finally {
    await session.close();
  }
}
