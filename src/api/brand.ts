/**
 * How data sets and ends are told from other values, and where their part of the plan is. Global symbols,
 * because `instanceof` fails where two copies of the package are loaded.
 */
import type { EndNode, PlanNode } from "../plan/node.ts";

export const NODE: unique symbol = Symbol.for("bicoastal.node") as never;
export const END: unique symbol = Symbol.for("bicoastal.end") as never;

/** The plan node of a data set; undefined for anything else. */
export const nodeOf = (value: unknown): PlanNode | undefined =>
  typeof value === "object" && value !== null ? (value as { [NODE]?: PlanNode })[NODE] : undefined;

/** The plan node of an end; undefined for anything else. */
export const endOf = (value: unknown): EndNode | undefined =>
  typeof value === "object" && value !== null ? (value as { [END]?: EndNode })[END] : undefined;
