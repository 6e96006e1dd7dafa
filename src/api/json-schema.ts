/** Reads as much of a schema's JSON Schema as flags need. Whatever it does not understand becomes "any". */

import { isPlainObject } from "../base/compare.ts";
import type { ParamFlag, ParamsDescription, ParamType } from "./param-flag.ts";
import { copyPlainParams, type PlainValue } from "./plain-value.ts";
import { toFlagName } from "./reserved.ts";

/** Undefined where this is no schema of an object with named fields. */
export function describeJsonSchema(schema: unknown): ParamsDescription | undefined {
  if (!isPlainObject(schema) || !isPlainObject(schema.properties)) return undefined;
  const required = new Set(Array.isArray(schema.required) ? (schema.required as unknown[]) : []);
  const flags = Object.entries(schema.properties).map(([name, property]) =>
    describeProperty(name, isPlainObject(property) ? property : {}, required.has(name)),
  );
  return { flags, open: schema.additionalProperties !== false && hasPattern(schema) };
}

/**
 * A field for names that are not listed. Where the schema says nothing, unlisted names are most likely slips.
 */
const hasPattern = (schema: Readonly<Record<string, unknown>>): boolean =>
  isPlainObject(schema.additionalProperties) || schema.additionalProperties === true;

function describeProperty(
  name: string,
  property: Readonly<Record<string, unknown>>,
  required: boolean,
): ParamFlag {
  const type = typeOf(property);
  return {
    name,
    flag: toFlagName(name),
    type,
    required,
    default: plainDefault(property.default),
    description: typeof property.description === "string" ? property.description : undefined,
    choices: type === "string" || type === "string[]" ? choicesOf(property) : undefined,
  };
}

function plainDefault(value: unknown): PlainValue | undefined {
  if (value === undefined) return undefined;
  try {
    return copyPlainParams({ value }).value;
  } catch {
    return undefined;
  }
}

function typeOf(property: Readonly<Record<string, unknown>>): ParamType {
  switch (property.type) {
    case "string":
    case "boolean":
    case "number":
      return property.type;
    case "integer":
      return "number";
    case "object":
      return "json";
    case "array":
      return typeOfArray(property.items);
    default:
      return "any";
  }
}

function typeOfArray(items: unknown): ParamType {
  const type = isPlainObject(items) ? typeOf(items) : "any";
  return type === "string" || type === "number" || type === "boolean"
    ? `${type}[]`
    : type === "any"
      ? "any"
      : "json";
}

function choicesOf(property: Readonly<Record<string, unknown>>): readonly string[] | undefined {
  const holder = isPlainObject(property.items) ? property.items : property;
  const choices = holder.enum;
  if (!Array.isArray(choices)) return undefined;
  const texts = (choices as readonly unknown[]).filter(
    (choice): choice is string => typeof choice === "string",
  );
  return texts.length === choices.length ? texts : undefined;
}
