/** Results of a job that ended before, which lie in blocks still. */
import { BicoastalError } from "../base/errors.ts";
import type { JobState } from "../core/job-state.ts";
import { CompleteOutputs, type EndResult, type ReadRows, readResults } from "./commit.ts";
import { lostBlockKey, unreachableNode } from "./lost-block.ts";

/** The results of a job that has committed. Throws what says that they are lost for good: of such a job nothing runs again. */
export async function readResultsAgain(state: JobState, readRows: ReadRows): Promise<readonly EndResult[]> {
  const { spec } = state;
  try {
    return await readResults(spec, new CompleteOutputs(state.outputs()), readRows);
  } catch (error) {
    const key = lostBlockKey(error);
    if (key === undefined || unreachableNode(error) !== undefined) throw error;
    const { code, details } = error as BicoastalError;
    const writes = spec.ends.some(({ end }) => end.kind === "write");
    const message = `Job ${spec.id} has succeeded, and what it collected can no longer be read: ${key} is lost. ${writes ? "What it wrote stands. " : ""}Run the job anew for its results; resuming it makes nothing again.`;
    throw new BicoastalError(code, message, { details: { ...details, job: spec.id }, cause: error });
  }
}
