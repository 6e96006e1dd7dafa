import { BicoastalError } from "../../base/errors.ts";

/** The system's code (`ENOENT`, …) of whatever `node:fs` threw; its text where it has none. */
export function outputErrorCode(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : String(error);
}

/** What a failed call on an output directory means to the user. */
export function outputError(error: unknown, directory: string): BicoastalError {
  if (error instanceof BicoastalError) return error;
  const code = outputErrorCode(error);
  const details = { path: directory };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BicoastalError(
      "DISK_FULL",
      `No space is left on the disk of ${directory}. Free some, and resume the job.`,
      { details, retryable: true, cause: error },
    );
  }
  return new BicoastalError(
    "OUTPUT_FAILED",
    `The directory ${directory} cannot be written (${code}). Check its path, its permissions and its disk.`,
    { details, retryable: code === "EIO" || code === "EMFILE" || code === "ENFILE", cause: error },
  );
}

export const outputExists = (directory: string, what: string): BicoastalError =>
  new BicoastalError("OUTPUT_EXISTS", `The output ${directory} ${what}`, { details: { path: directory } });

export const outputFailed = (directory: string, message: string): BicoastalError =>
  new BicoastalError("OUTPUT_FAILED", message, { details: { path: directory } });
