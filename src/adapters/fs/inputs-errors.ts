import { BicoastalError } from "../../base/errors.ts";

/** Longest path a message shows whole; a 10 MiB argument is still one line. */
const PATH_SHOWN_MAX = 300;

/** System errors that may be gone at the next try. */
const PASSING = new Set(["EMFILE", "ENFILE", "EIO", "EAGAIN", "EBUSY", "ENOMEM", "ESTALE", "ETIMEDOUT"]);
/** System errors that mean that the name stands for nothing. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

/** A path for a message: quoted, so that blanks and control characters are seen, and never endless. */
export function showPath(path: string): string {
  return JSON.stringify(path.length <= PATH_SHOWN_MAX ? path : `${path.slice(0, PATH_SHOWN_MAX)}…`);
}

export function notFound(path: string, what: string): BicoastalError {
  return new BicoastalError("INPUT_NOT_FOUND", what, { details: { file: path.slice(0, PATH_SHOWN_MAX) } });
}

export function unreadable(path: string, what: string): BicoastalError {
  return new BicoastalError("INPUT_UNREADABLE", what, { details: { file: path.slice(0, PATH_SHOWN_MAX) } });
}

/** The system's code (`ENOENT`, …) of whatever `node:fs` threw; "" where it has none. */
export function systemCode(thrown: unknown): string {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === "string" ? code : "";
}

export function isAbsent(thrown: unknown): boolean {
  return ABSENT.has(systemCode(thrown));
}

/** What a failed call on an input becomes. */
export function inputError(thrown: unknown, path: string): BicoastalError {
  if (thrown instanceof BicoastalError) return thrown;
  if (isAbsent(thrown)) {
    return notFound(path, `There is no file ${showPath(path)}. Correct the path, or put the file there.`);
  }
  const code = systemCode(thrown);
  const reason = thrown instanceof Error ? thrown.message.slice(0, PATH_SHOWN_MAX) : String(thrown);
  const advice =
    code === "EACCES" || code === "EPERM"
      ? "Give this user the right to read it."
      : "Check the file and its disk.";
  return new BicoastalError("INPUT_UNREADABLE", `${showPath(path)} cannot be read: ${reason}. ${advice}`, {
    retryable: PASSING.has(code),
    details: { file: path.slice(0, PATH_SHOWN_MAX), system: code },
    cause: thrown,
  });
}
