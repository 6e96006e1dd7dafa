import type { NarrowNode, PlanNode, SampleNode, TokenPattern } from "../../plan/node.ts";
import { own } from "../../plan/own-function.ts";
import { checkFunction, checkOptions, invalidArgument } from "../check-arguments.ts";
import { showValue } from "../show-value.ts";
import { fieldOrFunction } from "./field.ts";

export type FunctionOperator = Exclude<NarrowNode["kind"], "keyBy" | "sample" | "words">;

/** An operator that has one function and nothing else. */
export function narrowNode(kind: FunctionOperator, input: PlanNode, fn: unknown): NarrowNode {
  return { kind, input, fn: checkFunction(kind, "fn", fn) };
}

export function keyByNode(input: PlanNode, key: unknown): NarrowNode {
  return { kind: "keyBy", input, ...fieldOrFunction("keyBy", "fn", key, input) };
}

export interface SampleOptions {
  /** Chooses which records stay: text or a finite number. Default "sample". */
  readonly seed?: string | number;
}

export function sampleNode(
  input: PlanNode,
  fraction: unknown,
  options: SampleOptions | undefined,
): SampleNode {
  if (typeof fraction !== "number" || !(fraction >= 0 && fraction <= 1)) {
    throw invalidArgument("sample", "fraction", fraction, "a number from 0 to 1");
  }
  const { seed = "sample" } = checkOptions("sample", options, ["seed"]);
  if (typeof seed !== "string" && !(typeof seed === "number" && Number.isFinite(seed))) {
    throw invalidArgument("sample", "seed", seed, "text or a finite number");
  }
  return { kind: "sample", input, fraction: fraction + 0, seed: String(seed) };
}

/** An operator that has no options. */
export const wordsNode = (input: PlanNode): NarrowNode => ({ kind: "words", input });

const NO_TOKENS: readonly string[] = [];

/** All matches of a pattern in each text. */
export function tokensNode(input: PlanNode, pattern: unknown): NarrowNode {
  // Also of another realm, as bundles may have.
  if (Object.prototype.toString.call(pattern) !== "[object RegExp]") {
    throw invalidArgument("tokens", "pattern", pattern, "a regular expression, such as /[a-z]+/gi");
  }
  const { source, flags } = pattern as RegExp;
  const tokens: TokenPattern = Object.freeze({ source, flags: flags.includes("g") ? flags : `${flags}g` });
  const matches = new RegExp(source, tokens.flags);
  const fn = own("tokens", (text: unknown): readonly string[] => {
    if (typeof text !== "string") throw new TypeError(`the record is no text: it is ${showValue(text)}`);
    return text.match(matches) ?? NO_TOKENS;
  });
  return { kind: "flatMap", input, fn: Object.defineProperty(fn, "name", { value: "tokens" }), tokens };
}
