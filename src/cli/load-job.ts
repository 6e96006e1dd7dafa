/** What can go wrong with FILE before there is a job, told as errors of the command line. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { showValue } from "../api/show-value.ts";
import { BicoastalError } from "../base/errors.ts";

/** Throws USAGE for what is no file: said here, because to the bundler it is only one more failure. */
export async function checkJobFile(file: string, cwd: string): Promise<void> {
  const entry = resolve(cwd, file);
  const what = await stat(entry).then(
    (stats) =>
      stats.isFile() ? undefined : stats.isDirectory() ? "is a directory" : "is not a regular file",
    (error: NodeJS.ErrnoException) => NOT_THERE.get(error.code ?? "") ?? `cannot be opened (${error.code})`,
  );
  if (what === undefined) return;
  throw new BicoastalError("USAGE", `${showValue(file)} ${what}. FILE is the module that defines the job.`, {
    details: { file: entry },
  });
}

const NOT_THERE: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "does not exist"],
  ["ENOTDIR", "does not exist"],
  ["EACCES", "may not be read"],
  ["ELOOP", "is a link that leads to itself"],
  ["ENAMETOOLONG", "is too long for a file's name"],
  ["ERR_INVALID_ARG_VALUE", "is not the name of a file"],
]);

/**
 * Loads the user's module, which may call `process.exit`, or wait for what never comes: then Node would end without
 * a word as soon as there is nothing else to do. Throws BUNDLE_FAILED for both.
 */
export async function guardLoading<T>(file: string, load: () => Promise<T>): Promise<T> {
  const exit = process.exit;
  let onIdle = (): void => {};
  const idle = new Promise<never>((_, reject) => {
    onIdle = () =>
      reject(failure(file, "never ends loading: it waits at its top level for what never comes"));
  });
  process.exit = (code) => {
    throw failure(file, `calls process.exit(${code ?? ""}) while it is loaded`);
  };
  process.once("beforeExit", onIdle);
  try {
    return await Promise.race([load(), idle]);
  } finally {
    process.exit = exit;
    process.off("beforeExit", onIdle);
  }
}

const failure = (file: string, what: string): BicoastalError =>
  new BicoastalError("BUNDLE_FAILED", `${showValue(file)} ${what}.`, { details: { file } });
