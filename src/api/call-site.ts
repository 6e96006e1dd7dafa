/** Finds out who called one of our functions, so that a job knows its own module, and messages can say where. */

const FRAMES_MAX = 1;

/** V8's own extensions of `Error`. */
interface StackTraceApi {
  stackTraceLimit?: number;
  prepareStackTrace?: ((error: Error, frames: readonly CallSite[]) => unknown) | undefined;
  captureStackTrace?(holder: object, below: unknown): void;
}
interface CallSite {
  getFileName(): string | null | undefined;
}

/**
 * Absolute path of the file that called `callee`; undefined where that is no file (an evaluated text, a
 * REPL).
 */
export function callerFile(callee: unknown): string | undefined {
  const api = Error as unknown as StackTraceApi;
  if (api.captureStackTrace === undefined) return undefined;
  const { prepareStackTrace, stackTraceLimit } = api;
  const holder: { stack?: unknown } = {};
  try {
    api.stackTraceLimit = FRAMES_MAX;
    api.prepareStackTrace = (_, frames) => frames[0]?.getFileName();
    api.captureStackTrace(holder, callee);
    return typeof holder.stack === "string" ? toAbsolutePath(holder.stack) : undefined;
  } finally {
    api.prepareStackTrace = prepareStackTrace;
    if (stackTraceLimit !== undefined) api.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * File, line and column of whoever called `callee`, in the source where a source map is known, such as
 * `/a/job.ts:3:16`; undefined where nothing is known. Given as a function that finds out: V8 formats a stack only when
 * it is looked at, and with a source map that takes longer than all else about a small module.
 */
export function callerPlace(callee: unknown): () => string | undefined {
  const api = Error as unknown as StackTraceApi;
  if (api.captureStackTrace === undefined) return () => undefined;
  const { stackTraceLimit } = api;
  const holder: { stack?: unknown } = {};
  try {
    api.stackTraceLimit = FRAMES_MAX;
    api.captureStackTrace(holder, callee);
  } finally {
    if (stackTraceLimit !== undefined) api.stackTraceLimit = stackTraceLimit;
  }
  return () => {
    const frame = String(holder.stack).split("\n").at(-1) ?? "";
    const [, place, position] = /(?:\(|at )([^()]+?)(:\d+:\d+)\)?$/.exec(frame) ?? [];
    return place === undefined ? undefined : `${toAbsolutePath(place) ?? place}${position}`;
  };
}

/** What Node calls a text that it evaluates, as if it were a file of the working directory. */
const EVALUATED_TEXT = /[\\/]\[(eval|stdin)\d*\]$/;

/** A `file:` URL or an absolute path, as a path of this system; undefined for anything else. */
export function toAbsolutePath(place: string): string | undefined {
  if (EVALUATED_TEXT.test(place)) return undefined;
  if (place.startsWith("/") || /^[A-Za-z]:[\\/]/.test(place)) return place;
  if (!place.startsWith("file:") || !URL.canParse(place)) return undefined;
  const { host, pathname } = new URL(place);
  if (host !== "") return undefined;
  try {
    const path = decodeURIComponent(pathname);
    return /^\/[A-Za-z]:/.test(path) ? path.slice(1).replaceAll("/", "\\") : path;
  } catch {
    return undefined;
  }
}
