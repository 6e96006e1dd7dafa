import type { CollectEnd, PlanNode } from "../../plan/node.ts";
import { checkOptions, checkWhole } from "../check-arguments.ts";

/** Rows that `collect` brings back unless told otherwise. */
export const COLLECT_LIMIT_DEFAULT = 1_000_000;

export interface CollectOptions {
  /** More rows than this fail the job with COLLECT_TOO_LARGE. From 1; default 1,000,000. */
  readonly limit?: number;
}

export function collectEnd(input: PlanNode, options: CollectOptions | undefined): CollectEnd {
  const { limit = COLLECT_LIMIT_DEFAULT } = checkOptions("collect", options, ["limit"]);
  const rowsMax = checkWhole("collect", "limit", limit, [1, Number.MAX_SAFE_INTEGER]);
  return { kind: "collect", input, rowsMax, single: false };
}

/** For a data set of exactly one record. */
export const singleEnd = (input: PlanNode): CollectEnd => ({
  kind: "collect",
  input,
  rowsMax: 1,
  single: true,
});
