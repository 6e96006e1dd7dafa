/** A plan's stages, for people and for machines. */
import { labelEnd, labelNarrow, labelSink, labelWide } from "../../plan/label.ts";
import type { EndNode, Plan, SourceNode, WideNode } from "../../plan/node.ts";
import type { StageSize } from "../../plan/shape.ts";
import type { Branch, Producer, Sink, Stage, StagePlan, Step } from "../../plan/stage.ts";
import type { Output } from "../io.ts";
import { escapeText } from "./escape.ts";
import { counted } from "./quantity.ts";

export interface PlanDescription {
  readonly job: string;
  readonly stages: readonly StageDescription[];
  readonly ends: readonly {
    readonly name: string;
    readonly end: string;
    readonly stages: readonly number[];
  }[];
}

export interface StageDescription {
  readonly stage: number;
  /** null where the inputs are not there to be counted. */
  readonly tasks: number | null;
  readonly after: readonly number[];
  readonly reads: string;
  /** Each path from the input to a sink. */
  readonly paths: readonly PathDescription[];
}

export interface PathDescription {
  /** Fused: one loop over the records. */
  readonly operators: readonly string[];
  readonly to: string;
  readonly partitions: number | null;
}

export function describePlan(
  job: string,
  plan: Plan,
  { stages, endProducers }: StagePlan,
  sizes: readonly StageSize[] | undefined,
): PlanDescription {
  return {
    job,
    stages: stages.map((stage, index) => describeStage(stage, plan, sizes?.[index])),
    ends: plan.ends.map(({ name, end }, index) => ({
      name,
      end: describeEnd(end),
      stages: [...new Set((endProducers[index] ?? []).map(({ stage }) => Number(stage)))],
    })),
  };
}

function describeStage(stage: Stage, plan: Plan, size: StageSize | undefined): StageDescription {
  return {
    stage: stage.id,
    tasks: size?.tasks ?? null,
    after: stage.dependsOn,
    reads:
      stage.input.kind === "source"
        ? describeSource(stage.input.source)
        : describeShuffle(stage.input.shuffle, stage.input.sides),
    paths: stage.branches.flatMap((branch) => pathsOf(branch, [], stage.sinks, plan, size)),
  };
}

function pathsOf(
  branch: Branch,
  above: readonly string[],
  sinks: readonly Sink[],
  plan: Plan,
  size: StageSize | undefined,
): PathDescription[] {
  if (branch.kind === "step") {
    const operators = [...above, describeStep(branch.op)];
    return branch.next.flatMap((next) => pathsOf(next, operators, sinks, plan, size));
  }
  const sink = sinks[branch.sink];
  if (sink === undefined) return [];
  const partitions = sink.kind === "shuffle" ? (size?.sinkPartitions[branch.sink] ?? null) : null;
  return [{ operators: above, to: describeSink(sink, plan), partitions }];
}

/** A join's way is worth a word: it decides the order of the records. */
const describeStep = (op: Step["op"]): string =>
  op.kind === "join" ? `${labelNarrow(op)} by broadcast` : labelNarrow(op);

function describeSink(sink: Sink, plan: Plan): string {
  if (sink.kind === "end")
    return `${describeEnd(sink.end)}, as ${plan.ends[sink.endIndex]?.name ?? "result"}`;
  if (sink.kind === "broadcast") return labelSink(sink);
  const side = isTwoSided(sink.shuffle) ? `, ${sink.side === 0 ? "left" : "right"} side` : "";
  return `${labelSink(sink)}${side}`;
}

const isTwoSided = (shuffle: WideNode): boolean => shuffle.kind === "join" || shuffle.kind === "cogroup";

function describeSource({ source }: SourceNode): string {
  switch (source.format) {
    case "range":
      return `read.range ${source.start} to ${source.end}${source.step === 1 ? "" : ` by ${source.step}`}`;
    case "of":
      return `read.of ${counted(source.values.length, "value")}`;
    default:
      return `read.${source.format} ${source.paths.join(" ")}`;
  }
}

function describeShuffle(shuffle: WideNode, sides: readonly (readonly Producer[])[]): string {
  const from = sides.map((side) => side.map(({ stage }) => `stage ${stage}`).join(" + "));
  return `${labelWide(shuffle)} of ${from.join(" with ")}`;
}

function describeEnd(end: EndNode): string {
  if (end.kind === "write") return `${labelEnd(end)} to ${end.directory}`;
  return end.single ? "one value" : labelEnd(end);
}

/** @param plan What `describePlan` made. */
export function planLines(plan: PlanDescription, output: Output): string[] {
  const lines = [`job ${escapeText(plan.job)}: ${counted(plan.stages.length, "stage")}`];
  for (const stage of plan.stages) lines.push("", ...stageLines(stage, output));
  return lines;
}

function stageLines(stage: StageDescription, output: Output): string[] {
  const facts: string[] = [];
  if (stage.tasks !== null) facts.push(counted(stage.tasks, "task"));
  if (stage.after.length > 0) facts.push(`after stage ${stage.after.join(", ")}`);
  const lines = [`${output.style("bold", `stage ${stage.stage}`)}  ${facts.join(", ")}`.trimEnd()];
  lines.push(`  ${escapeText(stage.reads)}`);
  for (const { operators, to, partitions } of stage.paths) {
    const size = partitions === null ? "" : `, ${counted(partitions, "partition")}`;
    lines.push(`    → ${[...operators, escapeText(to)].join(" → ")}${size}`);
  }
  return lines;
}
