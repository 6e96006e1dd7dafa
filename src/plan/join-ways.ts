/**
 * Whether a join shuffles both of its sides, or broadcasts one: every task of the other side's stage then reads all
 * of the small side, and the large one is not moved at all.
 *
 * Chosen once, when the job is submitted, from the plan and the size of its inputs alone, and kept with the job: a
 * job that is resumed, and every thread that cuts the plan, has the same stages. Only what is sure counts: a side is
 * small if all it can read is few bytes, and nothing between makes many records of one.
 *
 * A stage must not wait for itself. A join whose sides would need each other's stages (both come from one reading
 * of a source) is shuffled.
 */
import { assert } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import { inputsOf, isNarrow, type JoinNode, type Plan, type PlanNode, type SourceNode } from "./node.ts";

/** How one join runs: both sides shuffled, or which one broadcast. */
export type JoinWay = "shuffle" | "left" | "right";
/** One for each join of a plan, in the order of `joinsOf`. */
export type JoinWays = readonly JoinWay[];

/** A side that reads more than this is not small: what is broadcast is held by every thread, some times larger than as text. */
export const BROADCAST_BYTES_MAX = 16 * 1024 * 1024;
/** A side that reads less is shuffled in no time, and its join then gives key order. */
export const SPARED_BYTES_MIN = 8 * 1024 * 1024;
/** The side that is spared the shuffle is so many times as large: every thread makes a table of the other for itself. */
export const SPARED_RATIO_MIN = 8;

/** What a source reads, as far as it is known before it is read. Max: Infinity where it could be anything. */
export interface ReadBytes {
  readonly bytesMin: number;
  readonly bytesMax: number;
}

/** The joins of a plan, inputs before what reads them. */
export function joinsOf(plan: Plan): readonly JoinNode[] {
  return nodesOf(plan).filter((node): node is JoinNode => node.kind === "join");
}

/** The sources of a plan, in the order in which they are first read. */
export function sourcesOf(plan: Plan): readonly SourceNode[] {
  return nodesOf(plan).filter((node): node is SourceNode => node.kind === "source");
}

/** Every node once, inputs before what reads them. */
function nodesOf(plan: Plan): readonly PlanNode[] {
  const nodes = new Set<PlanNode>();
  const visit = (node: PlanNode): void => {
    if (nodes.has(node)) return;
    inputsOf(node).forEach(visit);
    nodes.add(node);
  };
  for (const { end } of plan.ends) visit(end.input);
  return [...nodes];
}

/** By join; those that are not there shuffle. */
export type BroadcastSides = ReadonlyMap<PlanNode, 0 | 1>;

export function broadcastSides(plan: Plan, ways: JoinWays | undefined): BroadcastSides {
  if (ways === undefined) return new Map();
  const joins = joinsOf(plan);
  assert(joins.length === ways.length, "every join of the plan has its way");
  return new Map(
    joins.flatMap((join, index): [PlanNode, 0 | 1][] => {
      const way = ways[index]!;
      return way === "shuffle" ? [] : [[join, way === "left" ? 0 : 1]];
    }),
  );
}

/** Settles every join of a plan. Throws JOB_INVALID for a "broadcast" that cannot be. */
export function chooseJoinWays(plan: Plan, bytesOf: (source: SourceNode) => ReadBytes): JoinWays {
  const chosen = new Map<PlanNode, 0 | 1>();
  return joinsOf(plan).map((join): JoinWay => {
    const side = wantedSide(join, bytesOf);
    if (side === undefined) return "shuffle";
    chosen.set(join, side);
    if (!waitsForItself(plan, chosen)) return side === 0 ? "left" : "right";
    chosen.delete(join);
    if (join.strategy === "broadcast") throw cannotBroadcast(join);
    return "shuffle";
  });
}

function wantedSide(join: JoinNode, bytesOf: (source: SourceNode) => ReadBytes): 0 | 1 | undefined {
  const sides = sidesThatMay(join);
  if (join.strategy === "shuffle" || sides.length === 0) return undefined;
  const inputs = [join.left, join.right] as const;
  const read = inputs.map((input) => readBytes(input, bytesOf));
  if (join.strategy === "broadcast") {
    return sides.length === 2 && read[0]!.bytesMax < read[1]!.bytesMin ? 0 : sides[0];
  }
  if (join.partitions !== undefined) return undefined;
  return sides.find((side) => {
    const smallBytes = read[side]!.bytesMax;
    const sparedBytes = read[1 - side]!.bytesMin;
    return (
      smallBytes <= BROADCAST_BYTES_MAX &&
      sparedBytes >= Math.max(SPARED_BYTES_MIN, smallBytes * SPARED_RATIO_MIN)
    );
  });
}

/**
 * The sides that may be broadcast, the one that was named second first. A row of such a side meets every task, and
 * nobody could tell whether it met its like in one of them: its own rows cannot be kept without matches.
 */
export function sidesThatMay({ how }: Pick<JoinNode, "how">): readonly (0 | 1)[] {
  switch (how) {
    case "inner":
      return [1, 0];
    case "right":
      return [0];
    case "full":
      return [];
    default:
      return [1];
  }
}

function readBytes(node: PlanNode, bytesOf: (source: SourceNode) => ReadBytes): ReadBytes {
  if (node.kind === "source") return bytesOf(node);
  if (node.kind === "union") {
    const inputs = node.inputs.map((input) => readBytes(input, bytesOf));
    const bytesMin = inputs.reduce((sum, read) => sum + read.bytesMin, 0);
    return { bytesMin, bytesMax: inputs.reduce((sum, read) => sum + read.bytesMax, 0) };
  }
  if (!isNarrow(node)) return { bytesMin: 0, bytesMax: Number.POSITIVE_INFINITY };
  const read = readBytes(node.input, bytesOf);
  const grows = node.kind === "flatMap" || node.kind === "mapPartitions";
  return grows ? { ...read, bytesMax: Number.POSITIVE_INFINITY } : read;
}

/** Whether, with these joins broadcast, some stage would have to be complete before it can begin. */
function waitsForItself(plan: Plan, chosen: BroadcastSides): boolean {
  const nodes = nodesOf(plan);
  /** The sources and wide operators whose stages a node's records flow through. */
  const roots = new Map<PlanNode, ReadonlySet<PlanNode>>();
  const needs = new Map<PlanNode, Set<PlanNode>>();
  const need = (root: PlanNode, from: PlanNode): void => {
    const all = needs.get(root) ?? new Set();
    for (const other of roots.get(from)!) all.add(other);
    needs.set(root, all);
  };
  for (const node of nodes) {
    const inputs = inputsOf(node);
    const side = chosen.get(node);
    if (side !== undefined) {
      roots.set(node, roots.get(inputs[1 - side]!)!);
      for (const root of roots.get(node)!) need(root, inputs[side]!);
    } else if (node.kind === "union" || isNarrow(node)) {
      roots.set(node, new Set(inputs.flatMap((input) => [...roots.get(input)!])));
    } else {
      roots.set(node, new Set([node]));
      for (const input of inputs) need(node, input);
    }
  }
  return hasCycle(nodes, needs);
}

function hasCycle(nodes: readonly PlanNode[], needs: ReadonlyMap<PlanNode, ReadonlySet<PlanNode>>): boolean {
  const state = new Map<PlanNode, "open" | "done">();
  const visit = (node: PlanNode): boolean => {
    const known = state.get(node);
    if (known !== undefined) return known === "open";
    state.set(node, "open");
    for (const needed of needs.get(node) ?? []) if (visit(needed)) return true;
    state.set(node, "done");
    return false;
  };
  return nodes.some(visit);
}

function cannotBroadcast({ how }: JoinNode): BicoastalError {
  return new BicoastalError(
    "JOB_INVALID",
    `A ${how} join with strategy "broadcast" has two sides that come from one reading of the same data: the small side must be ` +
      "complete before the large one is read. Read the data a second time for one of them (another read.… of the same files), or leave the strategy out.",
    { details: { operator: "join", argument: "strategy" } },
  );
}
