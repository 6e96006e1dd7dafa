import { JobState } from "../core/job-state.ts";
import { checkLog } from "../protocol/codec.ts";
import type { JobSpec } from "../protocol/job-spec.ts";
import type { LogRecord } from "../protocol/log-event.ts";

/** What the log says of the job. Throws STORE_CORRUPT where it cannot be this job's. */
export function replayLog(spec: JobSpec, records: readonly LogRecord[]): JobState {
  checkLog(spec, records, `The log of job ${spec.id}`);
  return JobState.replay(spec, records);
}
