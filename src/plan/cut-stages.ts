/**
 * Cuts a plan into stages of fused narrow operators between shuffles.
 *
 * Every source and every wide operator begins a stage. Below it hangs a tree: what a record of that stage goes
 * through until it reaches sinks. A union is passed through: what stands below it is repeated in each input's
 * stage, and every way through a union has a sink of its own, so that a consumer can take the inputs in order.
 */
import { assert } from "../base/assert.ts";
import { type StageId, stageId } from "../base/ids.ts";
import {
  type EndNode,
  inputsOf,
  isNarrow,
  isWide,
  type Plan,
  type PlanNode,
  type SourceNode,
  type WideNode,
} from "./node.ts";
import type { Branch, Producer, Sink, Stage, StageInput, StagePlan } from "./stage.ts";

/** Cuts the plan; stages come in topological order, in the order in which the ends first need them. */
export function cutStages(plan: Plan): StagePlan {
  const graph = consumersOf(plan);
  const numbers = new Map<PlanNode, StageId>(graph.roots.map((root, index) => [root, stageId(index)]));
  const sources = graph.roots.filter((root): root is SourceNode => root.kind === "source");
  const fed = new FedSinks();
  const drafts = graph.roots.map((root) => {
    const id = numbers.get(root)!;
    const sinks: Sink[] = [];
    const branches = growBranches(root, graph.consumers, [], (sink, path) => {
      fed.add(sink, path, { stage: id, sink: sinks.length });
      return sinks.push(sink) - 1;
    });
    return { id, root, branches, sinks };
  });
  const stages = drafts.map(({ id, root, branches, sinks }): Stage => {
    const input = inputOf(root, sources, fed);
    return { id, input, branches, sinks, dependsOn: dependenciesOf(input) };
  });
  return { stages, sources, endProducers: plan.ends.map((_, endIndex) => fed.of(endIndex, 0)) };
}

type Consumer =
  | { readonly node: PlanNode; readonly slot: number }
  | { readonly end: EndNode; readonly endIndex: number };

interface Graph {
  /** Sources and wide operators, each after all it needs. */
  readonly roots: readonly (SourceNode | WideNode)[];
  readonly consumers: ReadonlyMap<PlanNode, readonly Consumer[]>;
}

/** One walk from the ends upwards, depth first and in order: the same plan always gives the same graph. */
function consumersOf(plan: Plan): Graph {
  const roots: (SourceNode | WideNode)[] = [];
  const consumers = new Map<PlanNode, Consumer[]>();
  const visit = (node: PlanNode, consumer: Consumer): void => {
    const known = consumers.get(node);
    if (known !== undefined) {
      known.push(consumer);
      return;
    }
    consumers.set(node, [consumer]);
    inputsOf(node).forEach((input, slot) => {
      visit(input, { node, slot });
    });
    if (node.kind === "source" || isWide(node)) roots.push(node);
  };
  plan.ends.forEach(({ end }, endIndex) => {
    visit(end.input, { end, endIndex });
  });
  return { roots, consumers };
}

/** Slots of the unions passed on the way down. */
type UnionPath = readonly number[];

function growBranches(
  node: PlanNode,
  consumers: Graph["consumers"],
  path: UnionPath,
  addSink: (sink: Sink, path: UnionPath) => number,
): readonly Branch[] {
  return (consumers.get(node) ?? []).flatMap((consumer): readonly Branch[] => {
    if ("end" in consumer) {
      const { end, endIndex } = consumer;
      return [{ kind: "sink", sink: addSink({ kind: "end", end, endIndex }, path) }];
    }
    const { node: below, slot } = consumer;
    if (below.kind === "union") return growBranches(below, consumers, [...path, slot], addSink);
    if (isNarrow(below)) {
      return [{ kind: "step", op: below, next: growBranches(below, consumers, path, addSink) }];
    }
    assert(isWide(below), "a consumer is an end, a union, a narrow or a wide operator");
    const side = slot === 0 ? 0 : 1;
    return [{ kind: "sink", sink: addSink({ kind: "shuffle", shuffle: below, side }, path) }];
  });
}

/** Which sinks feed which consumer (a wide operator, or the index of an end), by the unions' order. */
class FedSinks {
  readonly #byConsumer = new Map<
    PlanNode | number,
    { side: number; path: UnionPath; producer: Producer }[]
  >();

  add(sink: Sink, path: UnionPath, producer: Producer): void {
    const consumer = sink.kind === "end" ? sink.endIndex : sink.shuffle;
    const list = this.#byConsumer.get(consumer) ?? [];
    list.push({ side: sink.kind === "end" ? 0 : sink.side, path, producer });
    this.#byConsumer.set(consumer, list);
  }

  of(consumer: PlanNode | number, side: number): readonly Producer[] {
    const list = (this.#byConsumer.get(consumer) ?? []).filter((fed) => fed.side === side);
    return list.sort((a, b) => compareFromBelow(a.path, b.path)).map((fed) => fed.producer);
  }
}

/** The union nearest to the consumer decides first: it is the last of the path. */
function compareFromBelow(a: UnionPath, b: UnionPath): number {
  for (let back = 1; back <= Math.min(a.length, b.length); back++) {
    const difference = a[a.length - back]! - b[b.length - back]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function inputOf(root: SourceNode | WideNode, sources: readonly SourceNode[], fed: FedSinks): StageInput {
  if (root.kind === "source") return { kind: "source", source: root, sourceIndex: sources.indexOf(root) };
  const sides = inputsOf(root).map((_, side) => fed.of(root, side));
  return { kind: "shuffle", shuffle: root, sides };
}

function dependenciesOf(input: StageInput): readonly StageId[] {
  if (input.kind === "source") return [];
  return [...new Set(input.sides.flat().map((producer) => producer.stage))].sort((a, b) => a - b);
}
