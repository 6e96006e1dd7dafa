/** Stable names of everything that can go wrong outside our own code. A code is never renamed or reused. */
export type ErrorCode =
  | "USAGE" // the command line is wrong
  | "PARAM_INVALID" // a job's param has a wrong value, or is missing
  | "PARAM_UNKNOWN" // a param or flag the job does not have
  | "JOB_INVALID" // a job or an operator was defined wrongly
  | "JOB_NOT_FOUND"
  | "JOB_RUNNING" // another process drives this job now
  | "JOB_FAILED"
  | "JOB_CANCELLED"
  | "PLAN_IMPURE" // `run` built another plan than the one submitted
  | "BUNDLE_FAILED" // the job's module does not bundle or load
  | "INPUT_NOT_FOUND"
  | "INPUT_UNREADABLE"
  | "INPUT_CHANGED" // a file changed after the job was submitted
  | "INPUT_CORRUPT" // e.g. a truncated gzip file
  | "RECORD_INVALID" // a line that is not JSON, a quote never closed
  | "RECORD_TOO_LONG"
  | "USER_FUNCTION" // a function of the job threw
  | "KEY_INVALID" // a key of a type that cannot be compared
  | "VALUE_UNENCODABLE" // a value that cannot leave its task
  | "GROUP_CONSUMED" // a group's values were read a second time, or too late
  | "TASK_TIMEOUT"
  | "THREAD_DIED"
  | "OUT_OF_MEMORY"
  | "COLLECT_TOO_LARGE"
  | "OUTPUT_EXISTS"
  | "OUTPUT_FAILED"
  | "OUTPUT_DIFFERS" // a task that ran again gave other rows, and others had used the former ones
  | "BLOB_MISSING"
  | "BLOB_CORRUPT"
  | "PEER_UNREACHABLE" // the node that has a blob cannot be asked for it
  | "DISK_FULL"
  | "STORE_UNAVAILABLE"
  | "STORE_CORRUPT"
  | "STORE_REFUSED" // a request beyond the store's limits; nothing was done
  | "LEASE_GONE" // a key was to hang on a lease that has ended; nothing was done
  | "DRIVER_DEPOSED" // another driver has taken this job over
  | "MESSAGE_INVALID"; // what another node sent is not of this version, or damaged

/** Facts about an error for programs: file, line, option and the like. JSON values only. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

export interface ErrorOptions {
  readonly retryable?: boolean;
  readonly details?: ErrorDetails;
  readonly cause?: unknown;
}

/**
 * The one class of everything Bicoastal throws on purpose. The message says what happened, to which input, and
 * what to do next; `code` is stable for programs.
 */
export class BicoastalError extends Error {
  override readonly name = "BicoastalError";
  /** Stable; compare this, never the message. */
  readonly code: ErrorCode;
  /** Whether the same attempt may succeed later without any change. Default false. */
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** An error as data: what crosses threads, goes into the log and comes back as a `BicoastalError`. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
  /** Stack frames that help the user, source-mapped, without the first line. */
  readonly stack?: string;
}

/** Longest message and stack that are kept: what goes into the log must fit there, whatever a user's function throws. */
const MESSAGE_CHARS_MAX = 10_000;
const STACK_CHARS_MAX = 20_000;

/**
 * Turns anything thrown into data; what is not a `BicoastalError` gets the code given. Never throws itself, whatever
 * getters and proxies it meets. Messages above 10,000 characters and stacks above 20,000 are cut.
 */
export function toErrorInfo(thrown: unknown, code: ErrorCode): ErrorInfo {
  try {
    return describeThrown(thrown, code);
  } catch {
    return { code, message: "Thrown, and cannot be shown", retryable: true, details: {} };
  }
}

function describeThrown(thrown: unknown, code: ErrorCode): ErrorInfo {
  if (thrown instanceof BicoastalError) {
    const { message, retryable, details } = thrown;
    return { code: thrown.code, message: cutMessage(message), retryable, details, ...stackOf(thrown) };
  }
  const message =
    thrown instanceof Error
      ? `${thrown.name}: ${thrown.message}`
      : `Thrown, and not an Error: ${String(thrown)}`;
  const stack = thrown instanceof Error ? stackOf(thrown) : {};
  return { code, message: cutMessage(message), retryable: true, details: {}, ...stack };
}

/** The way back. The stack is the original one, or none. */
export function fromErrorInfo(info: ErrorInfo): BicoastalError {
  const error = new BicoastalError(info.code, info.message, info);
  const header = `${error.name}: ${info.message}`;
  error.stack = info.stack === undefined ? header : `${header}\n${info.stack}`;
  return error;
}

function stackOf(error: Error): { stack?: string } {
  const { stack } = error;
  if (typeof stack !== "string") return {};
  // The message stands before the frames, and may hold lines that look like one.
  const header = `${error.name}: ${error.message}`;
  const lines = (stack.startsWith(header) ? stack.slice(header.length) : stack).split("\n");
  const frames = lines.filter((line) => /^\s+at /.test(line)).join("\n");
  return frames === "" ? {} : { stack: cut(frames, STACK_CHARS_MAX) };
}

const cutMessage = (message: string): string => cut(message, MESSAGE_CHARS_MAX);
const cut = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax)}…`;
