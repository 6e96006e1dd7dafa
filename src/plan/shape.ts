import { assert } from "../base/assert.ts";
import type { WideNode } from "./node.ts";
import type { Stage, StagePlan } from "./stage.ts";

/** Below so many producing tasks a shuffle has as many partitions as producers. */
const PARTITIONS_SMALL = 32;
/** Above that, one partition for so many producing tasks: blocks have producers × partitions segments. */
const PRODUCERS_PER_PARTITION = 4;
const PARTITIONS_MAX = 1024;
/**
 * Every reader of a sort takes its range out of every run: where the ranges are small, most of what it reads is its
 * neighbours'. So a sort of little has fewer partitions, but enough for what may follow it on a few cores.
 */
const SORT_PARTITION_BYTES = 8 * 1024 * 1024;
const SORT_PARTITIONS_SMALL = 8;

/**
 * A join goes from key to key all over its table, and back to the rows: it has more partitions, so that what it goes
 * over stays in a processor's cache. Up to some, as blocks then have very many segments.
 */
const JOIN_PARTITION_BYTES = 4 * 1024 * 1024;
const JOIN_PARTITIONS_MANY = 128;

/** How many tasks a stage has, and how many partitions each of its sinks writes. */
export interface StageSize {
  readonly tasks: number;
  readonly sinkPartitions: readonly number[];
}

/** What there is of one source to read. */
export interface SourceSize {
  readonly splits: number;
  /** At most; Infinity where it could be anything. */
  readonly bytesMax: number;
}

/**
 * Counts tasks and partitions from the sources alone: never from cores or memory, so that the same input is cut
 * the same way on every machine.
 * @param sources For each source of the plan.
 */
export function sizeStages(plan: StagePlan, sources: readonly SourceSize[]): readonly StageSize[] {
  const tasks: number[] = [];
  const partitions = new Map<WideNode, number>();
  for (const stage of plan.stages) {
    const { input } = stage;
    if (input.kind === "source") {
      tasks.push(sources[input.sourceIndex]!.splits);
      continue;
    }
    const producers = input.sides.flat();
    const producing = producers.reduce((sum, producer) => sum + tasks[producer.stage]!, 0);
    const bytesMax = producers.reduce((sum, { stage: index }) => sum + bytesRead(plan, index, sources), 0);
    const count = partitionsOf(input.shuffle, producing, bytesMax);
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

/** By all tasks of a stage from its source; Infinity where it reads what other stages wrote. */
function bytesRead(plan: StagePlan, stage: number, sources: readonly SourceSize[]): number {
  const { input } = plan.stages[stage]!;
  return input.kind === "source" ? sources[input.sourceIndex]!.bytesMax : Number.POSITIVE_INFINITY;
}

function partitionsOf(shuffle: WideNode, producing: number, bytesMax: number): number {
  if (shuffle.kind === "top") return 1;
  if (shuffle.kind === "aggregate" && shuffle.key === "all") return 1;
  if (shuffle.partitions !== undefined) return shuffle.partitions;
  const wanted = Math.max(
    Math.min(producing, PARTITIONS_SMALL),
    Math.ceil(producing / PRODUCERS_PER_PARTITION),
    shuffle.kind === "join" ? joinPartitions(bytesMax) : 0,
  );
  const enough =
    shuffle.kind === "sort"
      ? Math.max(SORT_PARTITIONS_SMALL, Math.ceil(bytesMax / SORT_PARTITION_BYTES))
      : PARTITIONS_MAX;
  return Math.min(Math.max(wanted, 1), enough, PARTITIONS_MAX);
}

/** None of its own for a join of nobody knows how little: tasks would cost more than they spare. */
const joinPartitions = (bytesMax: number): number =>
  Number.isFinite(bytesMax) ? Math.min(Math.floor(bytesMax / JOIN_PARTITION_BYTES), JOIN_PARTITIONS_MANY) : 0;
