import type { JoinNode, JoinType, KeyByNode, PlanNode } from "../../plan/node.ts";
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

/** `given`: how to join, or options; with `left` and `right` in them, both sides are keyed first. */
export function joinNode(left: PlanNode, other: unknown, given: unknown): JoinNode {
  const right = otherNode("join", "other", other);
  const options = checkOptions("join", typeof given === "string" ? { how: given } : given, [
    "how",
    "left",
    "right",
    "partitions",
  ]);
  const sides = {
    kind: "join" as const,
    how: checkOneOf("join", "how", options.how ?? "inner", JOIN_TYPES),
    partitions: checkPartitions("join", options.partitions),
  };
  if (options.left === undefined && options.right === undefined) return { ...sides, left, right };
  if (options.left === undefined || options.right === undefined) {
    const missing = options.left === undefined ? "left" : "right";
    throw invalidArgument("join", missing, undefined, "a function too, where the other side has one");
  }
  return { ...sides, left: keyed(left, "left", options.left), right: keyed(right, "right", options.right) };
}

const keyed = (input: PlanNode, side: "left" | "right", key: unknown): KeyByNode =>
  Object.freeze({ kind: "keyBy", input, fn: checkFunction("join", side, key) });
