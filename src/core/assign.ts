import { assert } from "../base/assert.ts";
import type { AttemptId } from "../base/ids.ts";
import type { Producer } from "../plan/stage.ts";
import type { ProducerBlocks, TaskAssignment } from "../plan/task.ts";
import type { JobState } from "./job-state.ts";

const NONE: readonly (readonly ProducerBlocks[])[] = [];

/** What a worker is told to do for this attempt; every stage it reads from is complete. */
export function assignmentFor(state: JobState, attempt: AttemptId): TaskAssignment {
  const stage = state.spec.stages[attempt.stage];
  assert(stage !== undefined, "an attempt is of a stage of the plan");
  const { tasks: partitions, sinkPartitions, input } = stage;
  const asOfSeq = state.nextSeq;
  const blocksOf = ({ stage: from, sink }: Producer): ProducerBlocks => ({
    stage: from,
    sink,
    blocks: state.blocksOf(from),
  });
  const broadcasts =
    stage.broadcasts.length === 0 ? NONE : stage.broadcasts.map((producers) => producers.map(blocksOf));
  if (input.kind === "source") {
    const split = state.spec.splits[input.sourceIndex]?.[attempt.partition];
    assert(split !== undefined, "a source stage has a task for each split");
    return { attempt, partitions, sinkPartitions, input: { kind: "split", split }, broadcasts, asOfSeq };
  }
  const sides = input.sides.map((producers) => producers.map(blocksOf));
  return { attempt, partitions, sinkPartitions, input: { kind: "blocks", sides }, broadcasts, asOfSeq };
}
