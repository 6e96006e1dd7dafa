import type { PlanNode, RepartitionNode, SortNode, TopNode } from "../../plan/node.ts";
import {
  checkBoolean,
  checkOptions,
  checkPartitions,
  checkWhole,
  invalidArgument,
  PARTITIONS_MAX,
} from "../check-arguments.ts";
import type { WideOptions } from "./aggregate.ts";
import { fieldOrFunction } from "./field.ts";

/** `top` holds its records in memory; for more, `sortBy` does not. */
export const TOP_COUNT_MAX = 10_000_000;

export interface SortOptions extends WideOptions {
  /** Greatest first; for keys that are arrays, also a list with one flag an element. Default false. */
  readonly descending?: boolean | readonly boolean[];
}

export function sortByNode(input: PlanNode, by: unknown, options: SortOptions | undefined): SortNode {
  const { descending = false, partitions } = checkOptions("sortBy", options, ["descending", "partitions"]);
  return {
    kind: "sort",
    input,
    by: fieldOrFunction("sortBy", "key", by, input).fn,
    descending: checkDescending(descending),
    partitions: checkPartitions("sortBy", partitions),
  };
}

function checkDescending(value: unknown): boolean | readonly boolean[] {
  if (!Array.isArray(value)) return checkBoolean("sortBy", "descending", value);
  if (value.length === 0) {
    throw invalidArgument("sortBy", "descending", value, "true, false, or a list of these");
  }
  return Object.freeze(
    value.map((flag: unknown, index) => checkBoolean("sortBy", `descending[${index}]`, flag)),
  );
}

const itself = (record: unknown): unknown => record;

export function topNode(input: PlanNode, count: unknown, by: unknown): TopNode {
  return {
    kind: "top",
    input,
    count: checkWhole("top", "count", count, [1, TOP_COUNT_MAX]),
    by: by === undefined ? itself : fieldOrFunction("top", "by", by, input).fn,
  };
}

export function repartitionNode(input: PlanNode, partitions: unknown): RepartitionNode {
  return {
    kind: "repartition",
    input,
    partitions: checkWhole("repartition", "partitions", partitions, [1, PARTITIONS_MAX]),
  };
}
