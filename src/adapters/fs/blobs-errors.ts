import { BicoastalError } from "../../base/errors.ts";

/** Turns what `node:fs` throws on writing into what it means to a user. */
export function writeError(error: unknown, path: string, key: string): BicoastalError {
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BicoastalError(
      "DISK_FULL",
      `No space is left on the disk of ${path}. Free some, or choose another directory, and resume the job.`,
      { details: { path, key }, retryable: true, cause: error },
    );
  }
  return new BicoastalError(
    "STORE_UNAVAILABLE",
    `${path} cannot be written (${code}). Check that the directory exists and is writable, and resume the job.`,
    { details: { path, key, outcome: "failed" }, retryable: true, cause: error },
  );
}

/** The same for reading. Too many open files is no loss of data, so only a missing file is BLOB_MISSING. */
export function readError(error: unknown, path: string, key: string): BicoastalError {
  const code = codeOf(error);
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") {
    return new BicoastalError(
      "BLOB_MISSING",
      `The blob ${key} is missing: there is no file ${path}. If it was deleted by hand, resume the job to make it again.`,
      { details: { path, key }, retryable: true, cause: error },
    );
  }
  if (code === "EIO") {
    return new BicoastalError(
      "BLOB_CORRUPT",
      `The blob ${key} cannot be read from ${path} (${code}). Check the disk; what it held is made again.`,
      { details: { path, key }, retryable: true, cause: error },
    );
  }
  return new BicoastalError(
    "STORE_UNAVAILABLE",
    `${path} cannot be read (${code}). Check its permissions and the limit on open files, and resume the job.`,
    { details: { path, key, outcome: "failed" }, retryable: true, cause: error },
  );
}

export function codeOf(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : String(error);
}
