/** What a caller gets of a job that has ended. */
import { unreachable } from "../base/assert.ts";
import { BicoastalError, type ErrorInfo, fromErrorInfo } from "../base/errors.ts";
import type { EndResult } from "../runtime/commit.ts";
import type { Driven } from "../runtime/drive-job.ts";
import { countersOf } from "../runtime/job-board.ts";
import type { JobSpec } from "../runtime/local-node.ts";
import type { JobOutcome } from "./session.ts";

/** Throws the job's own error where it did not commit. */
export function outcomeOf(
  spec: JobSpec,
  { end, results, state, tasksResumed }: Driven,
  elapsedMs: number,
): JobOutcome {
  switch (end.kind) {
    case "committed":
      break;
    case "failed":
      throw ofJob(spec, end.error);
    case "cancelled":
      throw new BicoastalError("JOB_CANCELLED", `Job ${spec.id} was stopped: ${end.reason}`, {
        retryable: true,
        details: { job: spec.id },
      });
    default:
      return unreachable(end);
  }
  let rows = 0;
  let bytes = 0;
  let tasks = 0;
  for (const { attempt, output } of state.outputs()) {
    tasks++;
    if (spec.stages[attempt.stage]?.input.kind !== "source") continue;
    rows += output.rowsIn;
    bytes += output.bytesIn;
  }
  const { id: job, name, shape } = spec;
  return {
    job,
    name,
    result: resultOf(spec, results),
    ends: results,
    shape,
    counters: countersOf(state),
    rows,
    bytes,
    tasks,
    tasksResumed,
    elapsedMs,
  };
}

/** The error as it was thrown, naming the job that can be resumed. */
function ofJob(spec: JobSpec, error: ErrorInfo): BicoastalError {
  return fromErrorInfo({ ...error, details: { ...error.details, job: spec.id } });
}

function resultOf(spec: JobSpec, results: readonly EndResult[]): unknown {
  const values = results.map((result): [string, unknown] => {
    switch (result.kind) {
      case "rows":
        return [result.name, result.rows];
      case "value":
        return [result.name, result.value];
      case "written": {
        const { directory, files, rows, bytes } = result;
        return [result.name, { directory, files, rows, bytes }];
      }
      default:
        return unreachable(result);
    }
  });
  return spec.shape === "single" ? values[0]?.[1] : Object.fromEntries(values);
}
