/** From a plan to its stages and tasks: lists its inputs, settles its joins, cuts and sizes it. */
import { estimateBytes } from "../engine/shuffle/estimate.ts";
import { cutStages } from "../plan/cut-stages.ts";
import { chooseJoinWays, type JoinWays, type ReadBytes, sourcesOf } from "../plan/join-ways.ts";
import type { Plan, SourceFormat, SourceNode } from "../plan/node.ts";
import { type StageSize, sizeStages } from "../plan/shape.ts";
import type { StagePlan } from "../plan/stage.ts";
import type { InputFile, SourceSplit } from "../plan/task.ts";

export type PlanSplits = (source: SourceFormat) => Promise<readonly SourceSplit[]>;

export interface PlanLayout {
  readonly joins: JoinWays;
  readonly stages: StagePlan;
  /** For each of the stages. */
  readonly sizes: readonly StageSize[];
  /** For each of the stages' sources. */
  readonly splits: readonly (readonly SourceSplit[])[];
}

/** Throws what listing the inputs throws, and JOB_INVALID for a join that cannot be done as it asks. */
export async function layOutPlan(plan: Plan, planSplits: PlanSplits): Promise<PlanLayout> {
  const bySource = new Map<SourceNode, readonly SourceSplit[]>();
  for (const node of sourcesOf(plan)) bySource.set(node, await planSplits(node.source));
  const joins = chooseJoinWays(plan, (source) => readBytesOf(source, bySource.get(source)!));
  const stages = cutStages(plan, joins);
  const splits = stages.sources.map((source) => bySource.get(source)!);
  const sizes = sizeStages(
    stages,
    stages.sources.map((source, index) => {
      const list = splits[index]!;
      return { splits: list.length, bytesMax: readBytesOf(source, list).bytesMax };
    }),
  );
  return { joins, stages, sizes, splits };
}

/** The same where the inputs are not there to be listed: joins are settled as far as they can be without. */
export const cutWithoutInputs = (plan: Plan): StagePlan =>
  cutStages(
    plan,
    chooseJoinWays(plan, () => UNKNOWN),
  );

const UNKNOWN: ReadBytes = { bytesMin: 0, bytesMax: Number.POSITIVE_INFINITY };

const NUMBER_BYTES = 8;

function readBytesOf({ source }: SourceNode, splits: readonly SourceSplit[]): ReadBytes {
  if (source.format === "of") {
    const bytes = source.values.reduce<number>((sum, value) => sum + estimateBytes(value), 0);
    return { bytesMin: bytes, bytesMax: bytes };
  }
  let bytes = 0;
  let packed = false;
  const add = (file: InputFile, fileBytes: number): void => {
    bytes += fileBytes;
    packed ||= file.path.endsWith(".gz");
  };
  for (const split of splits) {
    if (split.kind === "bytes") add(split.file, split.end - split.start);
    else if (split.kind === "files") for (const file of split.files) add(file, file.sizeBytes);
    else bytes += (split.end - split.start) * NUMBER_BYTES;
  }
  return { bytesMin: bytes, bytesMax: packed ? Number.POSITIVE_INFINITY : bytes };
}
