import { BicoastalError, type ErrorInfo, toErrorInfo } from "../../base/errors.ts";
import type { ExecutionPhase } from "../../ports/task-runner.ts";

/** The heap of the thread is full. */
export function heapError(task: string | undefined, heapBytesMax: number): ErrorInfo {
  const megabytes = Math.ceil(heapBytesMax / 2 ** 20);
  return info(
    new BicoastalError(
      "OUT_OF_MEMORY",
      `${subject(task)} ran out of memory: its thread may use ${megabytes} MB of JavaScript heap, and the job's ` +
        "functions hold more. Keep less in them at a time, or give each thread more: a larger --memory, fewer --threads, or smaller splits (splitBytes).",
      { retryable: true, details: { heapBytesMax } },
    ),
  );
}

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
