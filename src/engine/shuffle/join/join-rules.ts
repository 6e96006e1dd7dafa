import type { JoinType } from "../../../plan/node.ts";

/** What a join gives for keys of one side only, and of both. */
export interface JoinRules {
  readonly leftOnly: boolean;
  readonly rightOnly: boolean;
  readonly both: "pairs" | "left" | "nothing";
}

export const JOIN_RULES: Record<JoinType, JoinRules> = {
  inner: { leftOnly: false, rightOnly: false, both: "pairs" },
  left: { leftOnly: true, rightOnly: false, both: "pairs" },
  right: { leftOnly: false, rightOnly: true, both: "pairs" },
  full: { leftOnly: true, rightOnly: true, both: "pairs" },
  semi: { leftOnly: false, rightOnly: false, both: "left" },
  anti: { leftOnly: true, rightOnly: false, both: "nothing" },
};
