import { assert } from "../base/assert.ts";
import type { WideNode } from "./node.ts";
import type { Stage, StagePlan } from "./stage.ts";

/** Below so many producing tasks a shuffle has as many partitions as producers. */
const PARTITIONS_SMALL = 32;
/** Above that, one partition for so many producing tasks: blocks have producers × partitions segments. */
const PRODUCERS_PER_PARTITION = 4;
const PARTITIONS_MAX = 1024;

/** How many tasks a stage has, and how many partitions each of its sinks writes. */
export interface StageSize {
  readonly tasks: number;
  readonly sinkPartitions: readonly number[];
}

/**
 * Counts tasks and partitions from the splits alone: never from cores or memory, so that the same input is cut
 * the same way on every machine.
 * @param splitCounts For each source of the plan, the number of its splits.
 */
export function sizeStages(plan: StagePlan, splitCounts: readonly number[]): readonly StageSize[] {
  const tasks: number[] = [];
  const partitions = new Map<WideNode, number>();
  for (const stage of plan.stages) {
    const { input } = stage;
    if (input.kind === "source") {
      tasks.push(splitCounts[input.sourceIndex]!);
      continue;
    }
    const producing = input.sides.flat().reduce((sum, producer) => sum + tasks[producer.stage]!, 0);
    const count = partitionsOf(input.shuffle, producing);
    partitions.set(input.shuffle, count);
    tasks.push(count);
  }
  return plan.stages.map((stage, index) => ({
    tasks: tasks[index]!,
    sinkPartitions: sinkPartitions(stage, partitions),
  }));
}

function sinkPartitions(stage: Stage, partitions: ReadonlyMap<WideNode, number>): readonly number[] {
  return stage.sinks.map((sink) => {
    if (sink.kind !== "shuffle") return 1;
    const count = partitions.get(sink.shuffle);
    assert(count !== undefined, "a shuffle that a sink feeds begins a stage");
    return count;
  });
}

function partitionsOf(shuffle: WideNode, producing: number): number {
  if (shuffle.kind === "top") return 1;
  if (shuffle.kind === "aggregate" && shuffle.key === "all") return 1;
  if (shuffle.partitions !== undefined) return shuffle.partitions;
  const wanted = Math.max(
    Math.min(producing, PARTITIONS_SMALL),
    Math.ceil(producing / PRODUCERS_PER_PARTITION),
  );
  return Math.min(Math.max(wanted, 1), PARTITIONS_MAX);
}
