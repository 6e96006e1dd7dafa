/** The option `fields` of sources: which fields are read, and what they hold. */
import { isPlainObject } from "../base/compare.ts";
import type { FieldType, FieldTypes } from "../plan/node.ts";
import { checkOneOf, invalidArgument } from "./check-arguments.ts";
import { showValue } from "./show-value.ts";

/** What a declared field gives. */
export type FieldValue<Type extends FieldType> = Type extends `${infer Kind extends FieldType}?`
  ? FieldValue<Kind> | null
  : Type extends "string"
    ? string
    : Type extends "number"
      ? number
      : Type extends "boolean"
        ? boolean
        : unknown;

/** A record of the declared fields. */
export type FieldsRow<Fields extends FieldTypes> = {
  -readonly [Name in keyof Fields]: FieldValue<Fields[Name]>;
};

const FIELD_TYPES: readonly FieldType[] = [
  "string",
  "number",
  "boolean",
  "json",
  "string?",
  "number?",
  "boolean?",
  "json?",
];

export function checkFields(operator: string, fields: unknown): FieldTypes | undefined {
  if (fields === undefined) return undefined;
  if (!isPlainObject(fields) || Object.keys(fields).length === 0) {
    throw invalidArgument(operator, "fields", fields, 'an object such as { name: "string", age: "number?" }');
  }
  const checked = Object.entries(fields).map(([name, type]): [string, FieldType] => [
    name,
    checkOneOf(operator, `the type of ${showValue(name)}`, type, FIELD_TYPES),
  ]);
  // `fromEntries` defines its fields, where assignment to `__proto__` would set the prototype.
  return Object.freeze(Object.fromEntries(checked));
}
