/** The name of a field in place of a function that reads it. */

import { BicoastalError } from "../../base/errors.ts";
import type { FieldType, FieldTypes, PlanNode, UserFunction } from "../../plan/node.ts";
import { checkFunction, invalidArgument } from "../check-arguments.ts";
import { showValue } from "../show-value.ts";
import { adviseNames } from "../suggest.ts";

/** A function of the user's, or one that reads the field they named. */
export interface FieldOrFunction {
  readonly fn: UserFunction;
  readonly field: string | undefined;
}

/** Where the plan knows the fields of the records, a name that is none of them is refused at once. */
export function fieldOrFunction(
  operator: string,
  argument: string,
  value: unknown,
  input: PlanNode,
): FieldOrFunction {
  if (typeof value !== "string") return { fn: checkFunction(operator, argument, value), field: undefined };
  checkFieldOf(operator, value, fieldTypesOf(input));
  return { fn: readerOf(value), field: value };
}

/** The type declared for a field; undefined where the plan does not know. Throws where there is no such field. */
export function checkFieldOf(
  operator: string,
  field: string,
  types: FieldTypes | undefined,
): FieldType | undefined {
  if (types === undefined) return undefined;
  if (Object.hasOwn(types, field)) return types[field];
  const advice = adviseNames(field, Object.keys(types), "fields");
  throw new BicoastalError("JOB_INVALID", `${operator}: no field ${showValue(field)}. ${advice}`, {
    details: { operator, argument: field },
  });
}

/** For a field that is there but holds what the operator does not take. */
export const wrongFieldType = (
  operator: string,
  field: string,
  type: FieldType,
  must: string,
): BicoastalError => invalidArgument(operator, `the type of ${showValue(field)}`, type, must);

/** What the source declares of the records at this node; undefined where anything has changed them since. */
export function fieldTypesOf(node: PlanNode): FieldTypes | undefined {
  switch (node.kind) {
    case "source": {
      const { source } = node;
      if (source.format === "jsonl") return source.fields;
      return source.format === "csv" ? source.csv.fields : undefined;
    }
    case "filter":
    case "sample":
    case "repartition":
      return fieldTypesOf(node.input);
    default:
      return undefined;
  }
}

/**
 * A function of its own for each use, so that V8 learns the shape of the records there apart from all others. The
 * name goes into the code as a JSON string only. What every object inherits is no field.
 */
function readerOf(field: string): UserFunction {
  const name = JSON.stringify(field);
  const read = `record[${name}]`;
  const value = field in Object.prototype ? `(Object.hasOwn(record, ${name}) ? ${read} : undefined)` : read;
  const make = new Function(
    "refuse",
    `return (record) => typeof record === "object" && record !== null ? ${value} : refuse(record);`,
  ) as (refuse: (record: unknown) => never) => UserFunction;
  // Messages name functions.
  return Object.defineProperty(make(refuseRecord), "name", { value: field });
}

function refuseRecord(record: unknown): never {
  throw new TypeError(`the record has no fields: it is ${showValue(record)}`);
}
