/**
 * Cuts a plan into stages of fused narrow operators between shuffles.
 *
 * Every source and every wide operator begins a stage. Below it hangs a tree: what a record of that stage goes
 * through until it reaches sinks. A union is passed through: what stands below it is repeated in each input's
 * stage, and every way through a union has a sink of its own, so that a consumer can take the inputs in order.
 * A join that broadcasts one side is such a step of the other side's stage, which then waits for the small side's.
 */
import { assert, unreachable } from "../base/assert.ts";
import { stageId } from "../base/ids.ts";
import { type BroadcastSides, broadcastSides, type JoinWays } from "./join-ways.ts";
import {
  type EndNode,
  inputsOf,
  isNarrow,
  isWide,
  type JoinNode,
  type Plan,
  type PlanNode,
  type SourceNode,
  type WideNode,
} from "./node.ts";
import type { Branch, Broadcast, Producer, Sink, Stage, StageInput, StagePlan } from "./stage.ts";

/**
 * Cuts the plan; stages come in topological order, and else in the order in which the ends first need them.
 * @param ways How its joins run; undefined: all of them shuffle.
 */
export function cutStages(plan: Plan, ways?: JoinWays): StagePlan {
  const graph = consumersOf(plan, broadcastSides(plan, ways));
  const fed = new FedSinks(graph.small);
  const drafts = graph.roots.map((root) => {
    const sinks: Sink[] = [];
    const branches = growBranches(root, graph, [], (sink, path) => {
      fed.add(sink, path, { root, sink: sinks.length });
      return sinks.push(sink) - 1;
    });
    return { root, branches, sinks };
  });
  const waits = new Map(drafts.map(({ root, branches }) => [root, rootsBefore(root, branches, graph, fed)]));
  const ordered = inTopologicalOrder(graph.roots, waits);
  const numbers = new Map(ordered.map((root, index) => [root, stageId(index)]));
  const sources = ordered.filter((root): root is SourceNode => root.kind === "source");
  const producersOf = (consumer: PlanNode | number, side: number): readonly Producer[] =>
    fed.of(consumer, side).map(({ root, sink }) => ({ stage: numbers.get(root)!, sink }));
  const byRoot = new Map(drafts.map((draft) => [draft.root, draft]));
  const stages = ordered.map((root): Stage => {
    const { branches, sinks } = byRoot.get(root)!;
    const id = numbers.get(root)!;
    const broadcasts = broadcastsIn(branches).map((join): Broadcast => {
      const side = graph.small.get(join)!;
      return { join, side, producers: producersOf(join, side) };
    });
    const input = inputOf(root, sources, producersOf);
    const dependsOn = waits.get(root)!.map((earlier) => numbers.get(earlier)!);
    return { id, input, broadcasts, branches, sinks, dependsOn: dependsOn.sort((a, b) => a - b) };
  });
  return { stages, sources, endProducers: plan.ends.map((_, endIndex) => producersOf(endIndex, 0)) };
}

/** What begins a stage. */
type Root = SourceNode | WideNode;

type Consumer =
  | { readonly node: PlanNode; readonly slot: number }
  | { readonly end: EndNode; readonly endIndex: number };

interface Graph {
  /** Sources and wide operators, each after all it needs. */
  readonly roots: readonly Root[];
  readonly consumers: ReadonlyMap<PlanNode, readonly Consumer[]>;
  readonly small: BroadcastSides;
}

/** One walk from the ends upwards, depth first and in order: the same plan always gives the same graph. */
function consumersOf(plan: Plan, small: BroadcastSides): Graph {
  const roots: Root[] = [];
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
    if ((node.kind === "source" || isWide(node)) && !small.has(node)) roots.push(node);
  };
  plan.ends.forEach(({ end }, endIndex) => {
    visit(end.input, { end, endIndex });
  });
  return { roots, consumers, small };
}

/** Slots of the unions passed on the way down. */
type UnionPath = readonly number[];

function growBranches(
  node: PlanNode,
  graph: Graph,
  path: UnionPath,
  addSink: (sink: Sink, path: UnionPath) => number,
): readonly Branch[] {
  return (graph.consumers.get(node) ?? []).flatMap((consumer): readonly Branch[] => {
    if ("end" in consumer) {
      const { end, endIndex } = consumer;
      return [{ kind: "sink", sink: addSink({ kind: "end", end, endIndex }, path) }];
    }
    const { node: below, slot } = consumer;
    if (below.kind === "union") return growBranches(below, graph, [...path, slot], addSink);
    const small = graph.small.get(below);
    if (small === slot) {
      return [{ kind: "sink", sink: addSink({ kind: "broadcast", join: below as JoinNode }, path) }];
    }
    if (isNarrow(below) || (below.kind === "join" && small !== undefined)) {
      return [{ kind: "step", op: below, next: growBranches(below, graph, path, addSink) }];
    }
    assert(isWide(below), "a consumer is an end, a union, a narrow or a wide operator");
    const side = slot === 0 ? 0 : 1;
    return [{ kind: "sink", sink: addSink({ kind: "shuffle", shuffle: below, side }, path) }];
  });
}

interface FedFrom {
  readonly root: Root;
  readonly sink: number;
}

/** Which sinks feed which consumer (a wide operator, a join, or the index of an end), by the unions' order. */
class FedSinks {
  readonly #byConsumer = new Map<PlanNode | number, { side: number; path: UnionPath; from: FedFrom }[]>();
  readonly #small: BroadcastSides;

  constructor(small: BroadcastSides) {
    this.#small = small;
  }

  add(sink: Sink, path: UnionPath, from: FedFrom): void {
    const { consumer, side } = this.#placeOf(sink);
    const list = this.#byConsumer.get(consumer) ?? [];
    list.push({ side, path, from });
    this.#byConsumer.set(consumer, list);
  }

  of(consumer: PlanNode | number, side: number): readonly FedFrom[] {
    const list = (this.#byConsumer.get(consumer) ?? []).filter((fed) => fed.side === side);
    return list.sort((a, b) => compareFromBelow(a.path, b.path)).map((fed) => fed.from);
  }

  #placeOf(sink: Sink): { consumer: PlanNode | number; side: number } {
    switch (sink.kind) {
      case "end":
        return { consumer: sink.endIndex, side: 0 };
      case "shuffle":
        return { consumer: sink.shuffle, side: sink.side };
      case "broadcast":
        return { consumer: sink.join, side: this.#small.get(sink.join)! };
      default:
        return unreachable(sink);
    }
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

/** The joins that are steps, each once. */
function broadcastsIn(branches: readonly Branch[]): readonly JoinNode[] {
  const joins = new Set<JoinNode>();
  const walk = (list: readonly Branch[]): void => {
    for (const branch of list) {
      if (branch.kind === "sink") continue;
      if (branch.op.kind === "join") joins.add(branch.op);
      walk(branch.next);
    }
  };
  walk(branches);
  return [...joins];
}

/** Those that feed the stage of this one. */
function rootsBefore(root: Root, branches: readonly Branch[], { small }: Graph, fed: FedSinks): Root[] {
  const read = root.kind === "source" ? [] : inputsOf(root).flatMap((_, side) => fed.of(root, side));
  const broadcast = broadcastsIn(branches).flatMap((join) => fed.of(join, small.get(join)!));
  return [...new Set([...read, ...broadcast].map((from) => from.root))];
}

/** Without broadcasts they are in it already; one that must wait comes as soon as it can. */
function inTopologicalOrder(
  roots: readonly Root[],
  waits: ReadonlyMap<Root, readonly Root[]>,
): readonly Root[] {
  const numbers = new Map(roots.map((root, index) => [root, index]));
  const open = new Set<Root>();
  const ordered = new Set<Root>();
  const visit = (root: Root): void => {
    if (ordered.has(root)) return;
    assert(!open.has(root), "no stage waits for itself");
    open.add(root);
    for (const earlier of [...waits.get(root)!].sort((a, b) => numbers.get(a)! - numbers.get(b)!)) {
      visit(earlier);
    }
    ordered.add(root);
  };
  roots.forEach(visit);
  return [...ordered];
}

function inputOf(
  root: Root,
  sources: readonly SourceNode[],
  producersOf: (root: Root, side: number) => readonly Producer[],
): StageInput {
  if (root.kind === "source") return { kind: "source", source: root, sourceIndex: sources.indexOf(root) };
  return { kind: "shuffle", shuffle: root, sides: inputsOf(root).map((_, side) => producersOf(root, side)) };
}
