import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import type { ExecutionPhase } from "../../ports/task-runner.ts";

export interface OverflowFacts {
  /** The task that ran. */
  readonly task: string | undefined;
  /** What it did, in few words. */
  readonly stage: string | undefined;
  /** What the thread held; undefined where V8 found its heap full. */
  readonly usedBytes: number | undefined;
  /** The thread's part of the budget. */
  readonly limitBytes: number;
  /** Whether the thread had run tasks before, and may have kept something of them. */
  readonly used: boolean;
}

/** The thread held too much. A new one that is given the same would, too, unless the old one had kept something. */
export function heapError({ task, stage, usedBytes, limitBytes, used }: OverflowFacts): ErrorInfo {
  const held =
    usedBytes === undefined ? "its JavaScript heap was full" : `it held about ${mebibytes(usedBytes)} MiB`;
  return info(
    new BicoastalError(
      "OUT_OF_MEMORY",
      `${subject(task)}${stage === undefined ? "" : ` (${stage})`} ran out of memory: ${held}, and a thread may use ` +
        `${mebibytes(limitBytes)} MiB. Something in the job's functions keeps what it is given: an array or a cache ` +
        "that grows, an accumulator as large as its data, a very large record. Keep less at a time, or give each " +
        "thread more: a larger --memory, fewer --threads, or smaller splits (splitBytes).",
      {
        retryable: used,
        details: {
          limitBytes,
          ...(usedBytes === undefined ? {} : { usedBytes: Math.round(usedBytes) }),
          ...(stage === undefined ? {} : { stage }),
        },
      },
    ),
  );
}

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

/** The thread ended, and nothing was thrown: somebody called `process.exit`. */
export function exitError(
  task: string | undefined,
  exitCode: number,
  phase: ExecutionPhase | undefined,
): ErrorInfo {
  if (phase === "loading") {
    return info(
      new BicoastalError(
        "BUNDLE_FAILED",
        `The job's module, or a package it imports, called process.exit(${exitCode}) while it was loaded. Remove the call, or keep it out of the job's file.`,
        { details: { exitCode } },
      ),
    );
  }
  return info(
    new BicoastalError(
      "THREAD_DIED",
      `${subject(task)} lost its thread, which ended with exit code ${exitCode}: a function of the job, or a package ` +
        "it uses, probably called process.exit. Throw an error instead.",
      { retryable: true, details: { exitCode } },
    ),
  );
}

export function loadTimeoutError(loadTimeoutMs: number): ErrorInfo {
  return info(
    new BicoastalError(
      "BUNDLE_FAILED",
      `The job's module did not load within ${loadTimeoutMs / 1000} s: look for a loop or an await at its top level, or in \`run\`, that never ends.`,
      { details: { loadTimeoutMs } },
    ),
  );
}

const subject = (task: string | undefined): string => (task === undefined ? "A task" : `Task ${task}`);

const info = (error: BicoastalError): ErrorInfo => {
  const { stack: _ours, ...data } = toErrorInfo(error, error.code);
  return data;
};
