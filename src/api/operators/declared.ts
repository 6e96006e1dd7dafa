/**
 * Aggregations that say what they do: the engine knows them by name. As in SQL, what is null or missing is left out,
 * and of nothing at all the result is null.
 */
import { compareKeys } from "../../base/compare.ts";
import type { AggregateNode, Aggregator, DeclaredName, FieldType, PlanNode } from "../../plan/node.ts";
import { own } from "../../plan/own-function.ts";
import { onlyPartitions, type WideOptions } from "./aggregate.ts";
import { checkFieldOf, fieldOrFunction, fieldTypesOf, wrongFieldType } from "./field.ts";

type Value = number | string | null;
type Choose = (chosen: Value, value: Value) => Value;

/** The same function adds values and merges results. */
function choosing(name: DeclaredName, choose: Choose): Aggregator {
  const add = own(name, choose);
  return Object.freeze({ init: itself, add, merge: add, finish: undefined, isFixed: true });
}

const itself = own("declared.init", (value: Value): Value => value);

function sum(total: Value, value: Value): Value {
  if (value === null) return total;
  return total === null ? value : (total as number) + (value as number);
}

/** Of equal ones the first. NaN is greater than every other number, and text than numbers, as for keys. */
function least(chosen: Value, value: Value): Value {
  if (value === null) return chosen;
  return chosen === null || isBefore(value, chosen) ? value : chosen;
}

function greatest(chosen: Value, value: Value): Value {
  if (value === null) return chosen;
  return chosen === null || isBefore(chosen, value) ? value : chosen;
}

function isBefore(a: number | string, b: number | string): boolean {
  if (typeof a === typeof b) {
    if (a < b) return true;
    if (a >= b) return false;
  }
  return compareKeys(a, b) < 0;
}

/** Sum and number of values. Changed in place: it never leaves the engine. */
type Mean = [sum: number, count: number];

function addToMean(mean: Mean, value: number | null): Mean {
  if (value === null) return mean;
  mean[0] = mean[1] === 0 ? value : mean[0] + value;
  mean[1] += 1;
  return mean;
}

const AVERAGE: Aggregator = Object.freeze({
  init: own("mean.init", (value: number | null): Mean => (value === null ? [0, 0] : [value, 1])),
  add: own("mean.add", addToMean),
  merge: own("mean.merge", (mean: Mean, later: Mean): Mean => {
    if (later[1] === 0) return mean;
    mean[0] = mean[1] === 0 ? later[0] : mean[0] + later[0];
    mean[1] += later[1];
    return mean;
  }),
  finish: own("mean.finish", ([total, count]: Mean) => (count === 0 ? null : total / count)),
  isFixed: true,
});

const AGGREGATORS: Readonly<Record<DeclaredName, Aggregator>> = {
  sumBy: choosing("sumBy", sum),
  minBy: choosing("minBy", least),
  maxBy: choosing("maxBy", greatest),
  avgBy: AVERAGE,
};

/** Of `[key, value]` records. */
export function declaredNode(
  name: DeclaredName,
  input: PlanNode,
  value: unknown,
  options: WideOptions | undefined,
): AggregateNode {
  const { fn, field } = fieldOrFunction(name, "value", value, input);
  if (field !== undefined && input.kind === "keyBy") checkType(name, field, input.input);
  return {
    kind: "aggregate",
    input,
    key: "pair",
    value: Object.freeze({ name, fn, field }),
    aggregator: AGGREGATORS[name],
    emit: "pair",
    empty: undefined,
    partitions: onlyPartitions(name, options),
  };
}

function checkType(name: DeclaredName, field: string, values: PlanNode): void {
  const type = checkFieldOf(name, field, fieldTypesOf(values));
  if (type === undefined) return;
  const takesText = name === "minBy" || name === "maxBy";
  if (NUMBERS.includes(type) || (takesText && TEXTS.includes(type))) return;
  throw wrongFieldType(name, field, type, takesText ? '"number" or "string"' : '"number"');
}

const NUMBERS: readonly FieldType[] = ["number", "number?", "json", "json?"];
const TEXTS: readonly FieldType[] = ["string", "string?"];
