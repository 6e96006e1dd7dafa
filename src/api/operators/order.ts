import type { Collation, PlanNode, RepartitionNode, SortNode, TopNode } from "../../plan/node.ts";
import { own } from "../../plan/own-function.ts";
import {
  checkBoolean,
  checkOneOf,
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

/** How strings are compared by the rules of a language: by `Intl.Collator`. */
export interface CollationOptions {
  /** A BCP 47 tag, such as "de" or "sv-u-co-trad". */
  readonly locale: string;
  /** Whether digits are compared as numbers: "file2" before "file10". Default false. */
  readonly numeric?: boolean;
  /** Which differences count: letters alone ("base"), accents, cases, or all of them. Default "variant": all. */
  readonly sensitivity?: Collation["sensitivity"];
}

export interface SortOptions extends WideOptions {
  /** Greatest first; for keys that are arrays, also a list with one flag an element. Default false. */
  readonly descending?: boolean | readonly boolean[];
  /**
   * The order of keys that are strings, and of strings in array keys, as a BCP 47 tag ("de") or with options. What it
   * takes for equal keeps its order. Far slower than the default, by UTF-16 code units; and as languages' rules are
   * revised with ICU, another version of Node may order a few strings otherwise.
   */
  readonly collation?: string | CollationOptions;
}

const OPTIONS = ["descending", "partitions", "collation"] as const;

export function sortByNode(input: PlanNode, by: unknown, options: SortOptions | undefined): SortNode {
  const { fn } = fieldOrFunction("sortBy", "key", by, input);
  return { kind: "sort", input, by: fn, ...orderOf("sortBy", options) };
}

export function sortNode(input: PlanNode, options: SortOptions | undefined): SortNode {
  return { kind: "sort", input, by: "record", ...orderOf("sort", options) };
}

function orderOf(
  operator: string,
  options: SortOptions | undefined,
): Pick<SortNode, "descending" | "partitions" | "collation"> {
  const { descending = false, partitions, collation } = checkOptions(operator, options, OPTIONS);
  return {
    descending: checkDescending(operator, descending),
    partitions: checkPartitions(operator, partitions),
    ...(collation === undefined ? {} : { collation: checkCollation(operator, collation) }),
  };
}

function checkDescending(operator: string, value: unknown): boolean | readonly boolean[] {
  if (!Array.isArray(value)) return checkBoolean(operator, "descending", value);
  if (value.length === 0) {
    throw invalidArgument(operator, "descending", value, "true, false, or a list of these");
  }
  return Object.freeze(
    value.map((flag: unknown, index) => checkBoolean(operator, `descending[${index}]`, flag)),
  );
}

const SENSITIVITIES = ["base", "accent", "case", "variant"] as const;

/** In full, and canonical: it is part of the plan's fingerprint. */
function checkCollation(operator: string, value: unknown): Collation {
  const given = typeof value === "string" ? { locale: value } : value;
  const options = checkOptions(`${operator} collation`, given as CollationOptions, [
    "locale",
    "numeric",
    "sensitivity",
  ]);
  const { locale, numeric = false, sensitivity = "variant" } = options;
  return Object.freeze({
    locale: checkLocale(operator, locale),
    numeric: checkBoolean(operator, "collation.numeric", numeric),
    sensitivity: checkOneOf(operator, "collation.sensitivity", sensitivity, SENSITIVITIES),
  });
}

function checkLocale(operator: string, value: unknown): string {
  try {
    const [locale] = typeof value === "string" ? Intl.Collator.supportedLocalesOf(value) : [];
    if (locale !== undefined) return locale;
  } catch {
    // No tag at all: as bad as one of a language that nobody knows.
  }
  throw invalidArgument(
    operator,
    "collation",
    value,
    'the BCP 47 tag of a language that this Node has rules for, such as "de"',
  );
}

const itself = own("top.itself", (record: unknown): unknown => record);

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
