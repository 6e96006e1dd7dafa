import { sidesThatMay } from "../../plan/join-ways.ts";
import type { JoinNode, JoinStrategy, JoinType, KeyByNode, PlanNode } from "../../plan/node.ts";
import {
  checkFunction,
  checkOneOf,
  checkOptions,
  checkPartitions,
  invalidArgument,
} from "../check-arguments.ts";
import type { WideOptions } from "./aggregate.ts";
import { otherNode } from "./other.ts";

/** For a join of `[key, value]` records. */
export interface JoinOptions<How extends JoinType = JoinType> extends WideOptions {
  /** Default "inner". */
  readonly how?: How;
  /**
   * How the sides come together. Default "auto".
   *
   * - "shuffle": both are sent to the partition of their keys. Any sizes; a side that is larger than memory is sorted
   *   on disk. Records come by key, then in the left side's order, then the right's.
   * - "broadcast": every task reads all of one side, and the other is not moved: for a small side and a large one.
   *   Records come in the large side's order and partitions, and for each in the small side's order. The side that
   *   is broadcast is the right one; the left one for a right join, and for an inner join if that is sure to read
   *   less. It should fit in memory; what does not is looked up on disk, slowly.
   *   Not for full joins, nor with `partitions`.
   * - "auto": broadcast where one side is sure to be small (it reads at most 16 MB, without flatMap and
   *   mapPartitions), the other reads at least 8 MB and eight times as much, and neither `partitions` nor a full
   *   join asks otherwise; else shuffle. Decided when the job is submitted, from the sizes of the inputs; `bicoastal explain` shows it.
   */
  readonly strategy?: JoinStrategy;
}

/** For a join of any records, by keys that two functions make of them. */
export interface JoinByOptions<L, R, K, How extends JoinType = JoinType> extends JoinOptions<How> {
  /** The key of a record of this data set. */
  readonly left: (record: L) => K;
  /** The key of a record of the other. */
  readonly right: (record: R) => K;
}

/** What a join gives: the key, and both sides; a side that may be missing is then undefined. */
export type Joined<K, L, R, How extends JoinType> = How extends "inner"
  ? [K, [L, R]]
  : How extends "left"
    ? [K, [L, R | undefined]]
    : How extends "right"
      ? [K, [L | undefined, R]]
      : How extends "full"
        ? [K, [L | undefined, R | undefined]]
        : [K, L];

const JOIN_TYPES: readonly JoinType[] = ["inner", "left", "right", "full", "semi", "anti"];
const STRATEGIES: readonly JoinStrategy[] = ["auto", "broadcast", "shuffle"];

/** `given`: how to join, or options; with `left` and `right` in them, both sides are keyed first. */
export function joinNode(left: PlanNode, other: unknown, given: unknown): JoinNode {
  const right = otherNode("join", "other", other);
  const options = checkOptions("join", typeof given === "string" ? { how: given } : given, [
    "how",
    "left",
    "right",
    "strategy",
    "partitions",
  ]);
  const sides = {
    kind: "join" as const,
    how: checkOneOf("join", "how", options.how ?? "inner", JOIN_TYPES),
    strategy: checkOneOf("join", "strategy", options.strategy ?? "auto", STRATEGIES),
    partitions: checkPartitions("join", options.partitions),
  };
  if (sides.strategy === "broadcast") checkBroadcast(sides);
  if (options.left === undefined && options.right === undefined) return { ...sides, left, right };
  if (options.left === undefined || options.right === undefined) {
    const missing = options.left === undefined ? "left" : "right";
    throw invalidArgument("join", missing, undefined, "a function too, where the other side has one");
  }
  return { ...sides, left: keyed(left, "left", options.left), right: keyed(right, "right", options.right) };
}

function checkBroadcast(join: Pick<JoinNode, "how" | "partitions">): void {
  if (sidesThatMay(join).length === 0) {
    throw invalidArgument("join", "strategy", "broadcast", `another for a ${join.how} join, or left out`);
  }
  if (join.partitions === undefined) return;
  const must = 'left out with strategy "broadcast", which keeps the partitions of the large side';
  throw invalidArgument("join", "partitions", join.partitions, must);
}

const keyed = (input: PlanNode, side: "left" | "right", key: unknown): KeyByNode =>
  Object.freeze({ kind: "keyBy", input, fn: checkFunction("join", side, key) });
