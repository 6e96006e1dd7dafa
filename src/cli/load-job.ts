/** From FILE to the job it defines: bundled, loaded in this process, and picked among what it exports. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Job } from "../api/job.ts";
import { isJob } from "../api/job.ts";
import { onJobDefined } from "../api/registry.ts";
import { showValue } from "../api/show-value.ts";
import { adviseNames } from "../api/suggest.ts";
import { BicoastalError } from "../base/errors.ts";

export interface LoadFile {
  /** As the user wrote it. */
  readonly file: string;
  readonly cwd: string;
  /** `--job`. */
  readonly name: string | undefined;
  /** Bundles the module and writes the bundle; resolves with its path. Throws BUNDLE_FAILED. */
  readonly writeBundle: (entry: string) => Promise<string>;
}

/** Throws USAGE where FILE is no file or holds no one job that is meant, BUNDLE_FAILED where it does not load. */
export async function loadJobFile({ file, cwd, name, writeBundle }: LoadFile): Promise<Job> {
  const entry = resolve(cwd, file);
  await checkIsFile(file, entry);
  const bundle = await writeBundle(entry);
  const defined: Job[] = [];
  const stopListening = onJobDefined((job) => defined.push(job));
  try {
    const exports = await evaluate(bundle, file);
    return pickJob({ file, name, exports, defined });
  } finally {
    stopListening();
  }
}

async function checkIsFile(file: string, entry: string): Promise<void> {
  const what = await stat(entry).then(
    (stats) => (stats.isFile() ? undefined : stats.isDirectory() ? "is a directory" : "is not a regular file"),
    (error: NodeJS.ErrnoException) => (error.code === "EACCES" ? "may not be read" : "does not exist"),
  );
  if (what === undefined) return;
  throw new BicoastalError("USAGE", `${showValue(file)} ${what}. FILE is the module that defines the job.`, {
    details: { file: entry },
  });
}

/**
 * Evaluates the module once. It is the user's: it may throw, call `process.exit`, or wait for what never comes, in
 * which case Node would end without a word as soon as nothing else is to do.
 */
async function evaluate(bundle: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const exit = process.exit;
  let onIdle = (): void => {};
  const idle = new Promise<never>((_, reject) => {
    onIdle = () => reject(failure(file, "never ends loading: it waits at its top level for what never comes"));
  });
  process.exit = (code) => {
    throw failure(file, `calls process.exit(${String(code ?? "")}) while it is loaded`);
  };
  process.once("beforeExit", onIdle);
  try {
    return (await Promise.race([import(pathToFileURL(bundle).href), idle])) as Readonly<Record<string, unknown>>;
  } catch (thrown) {
    throw loadError(thrown, file);
  } finally {
    process.exit = exit;
    process.off("beforeExit", onIdle);
  }
}

function loadError(thrown: unknown, file: string): BicoastalError {
  if (thrown instanceof BicoastalError) return thrown;
  const reason = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : showValue(thrown);
  return failure(file, `throws while it is loaded: ${reason}`, thrown);
}

const failure = (file: string, what: string, cause?: unknown): BicoastalError =>
  new BicoastalError("BUNDLE_FAILED", `${showValue(file)} ${what}.`, { details: { file }, cause });

interface Found {
  readonly file: string;
  readonly name: string | undefined;
  readonly exports: Readonly<Record<string, unknown>>;
  /** Defined while it was loaded, in order. */
  readonly defined: readonly Job[];
}

/** The one named; else the default export; else the only one exported; else the only one defined. */
export function pickJob({ file, name, exports, defined }: Found): Job {
  const exported = Object.values(exports).filter(isJob);
  const all = [...new Map([...defined, ...exported].map((job) => [job.name, job])).values()];
  if (name !== undefined) {
    const named = all.find((job) => job.name === name);
    if (named !== undefined) return named;
    const advice = adviseNames(name, namesOf(all), "jobs there");
    throw usage(`${showValue(file)} has no job ${showValue(name)}. ${advice}`, file);
  }
  if (isJob(exports.default)) return exports.default;
  const candidates = exported.length > 0 ? [...new Set(exported)] : all;
  const [only, ...others] = candidates;
  if (only === undefined) {
    throw usage(`${showValue(file)} defines no job. It needs: export default job({ name, params, run }).`, file);
  }
  if (others.length === 0) return only;
  const names = namesOf(candidates);
  throw usage(`${showValue(file)} has ${names.length} jobs: ${names.join(", ")}. Say which: --job NAME.`, file);
}

const namesOf = (jobs: readonly Job[]): string[] => jobs.map(({ name }) => name).sort();

const usage = (message: string, file: string): BicoastalError =>
  new BicoastalError("USAGE", message, { details: { file } });
