import type { CogroupNode, GroupNode, PlanNode } from "../../plan/node.ts";
import { onlyPartitions, type WideOptions } from "./aggregate.ts";
import { fieldOrFunction } from "./field.ts";
import { otherNode } from "./other.ts";

export function groupByNode(input: PlanNode, key: unknown, options: WideOptions | undefined): GroupNode {
  const partitions = onlyPartitions("groupBy", options);
  return {
    kind: "group",
    input,
    key: fieldOrFunction("groupBy", "key", key, input).fn,
    combine: undefined,
    partitions,
  };
}

export function groupByKeyNode(input: PlanNode, options: WideOptions | undefined): GroupNode {
  const partitions = onlyPartitions("groupByKey", options);
  return { kind: "group", input, key: "pair", combine: undefined, partitions };
}

export function cogroupNode(left: PlanNode, other: unknown, options: WideOptions | undefined): CogroupNode {
  const partitions = onlyPartitions("cogroup", options);
  return { kind: "cogroup", left, right: otherNode("cogroup", "other", other), partitions };
}
