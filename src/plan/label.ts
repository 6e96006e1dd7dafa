import { unreachable } from "../base/assert.ts";
import type { EndNode, JoinNode, NarrowNode, SourceNode, WideNode } from "./node.ts";
import type { Branch, Sink, Stage } from "./stage.ts";

/** A stage in few words, for progress: where it reads, what it does, where it ends. */
export function labelStage(stage: Stage): string {
  const start =
    stage.input.kind === "source" ? labelSource(stage.input.source) : labelWide(stage.input.shuffle);
  return `${start} ${labelBranches(stage.branches, stage.sinks)}`.trimEnd();
}

/** Several branches stand in braces. */
function labelBranches(branches: readonly Branch[], sinks: readonly Sink[]): string {
  const labels = branches.map((branch) => labelBranch(branch, sinks));
  return labels.length > 1 ? `{ ${labels.join("; ")} }` : (labels[0] ?? "");
}

function labelBranch(branch: Branch, sinks: readonly Sink[]): string {
  if (branch.kind === "sink") return `→ ${labelSink(sinks[branch.sink]!)}`;
  return `→ ${labelNarrow(branch.op)} ${labelBranches(branch.next, sinks)}`.trimEnd();
}

export function labelSource({ source }: SourceNode): string {
  return `read.${source.format}`;
}

/** A join among these is one whose other side is broadcast. */
export function labelNarrow(op: NarrowNode | JoinNode): string {
  return op.kind === "join" ? labelWide(op) : op.kind;
}

export function labelSink(sink: Sink): string {
  switch (sink.kind) {
    case "end":
      return labelEnd(sink.end);
    case "shuffle":
      return `shuffle (${labelWide(sink.shuffle)})`;
    case "broadcast":
      return `broadcast (${labelWide(sink.join)})`;
    default:
      return unreachable(sink);
  }
}

/** What the sink is the beginning of. */
export function labelFed(sink: Sink): string {
  if (sink.kind === "end") return labelEnd(sink.end);
  return labelWide(sink.kind === "shuffle" ? sink.shuffle : sink.join);
}

export function labelWide(shuffle: WideNode): string {
  switch (shuffle.kind) {
    case "aggregate":
      if (shuffle.value !== undefined) return shuffle.value.name;
      if (shuffle.emit === "key") return "distinct";
      if (shuffle.aggregator === "count") return shuffle.key === "all" ? "count" : "countBy";
      return shuffle.key === "all" ? "reduce" : shuffle.emit === "pair" ? "aggregateByKey" : "distinct";
    case "group":
      return "groupBy";
    case "join":
      return `${shuffle.how} join`;
    case "sort":
      return "sortBy";
    case "cogroup":
    case "top":
    case "repartition":
      return shuffle.kind;
    default:
      return unreachable(shuffle);
  }
}

export function labelEnd(end: EndNode): string {
  return end.kind === "collect" ? "collect" : `write ${end.format}`;
}
