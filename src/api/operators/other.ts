import type { PlanNode, UnionNode } from "../../plan/node.ts";
import { nodeOf } from "../brand.ts";
import { invalidArgument } from "../check-arguments.ts";

/** The node of another data set that an operator takes. */
export function otherNode(operator: string, argument: string, value: unknown): PlanNode {
  const node = nodeOf(value);
  if (node === undefined) {
    throw invalidArgument(operator, argument, value, "a data set, such as what read.lines(…) gives");
  }
  return node;
}

export function unionNode(input: PlanNode, others: readonly unknown[]): UnionNode {
  if (others.length === 0) {
    throw invalidArgument("union", "the list of others", others, "at least one data set");
  }
  const rest = others.map((other, index) => otherNode("union", `argument ${index + 1}`, other));
  return { kind: "union", inputs: Object.freeze([input, ...rest]) };
}
