/** The fields that a source was told to read, and how rows are made of their values. */
import type { FieldKind, FieldTypes } from "../../plan/node.ts";

/** Above this, code by field gets too large for the optimizer, and objects too wide for hidden classes. */
export const GENERATED_FIELDS_MAX = 128;

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  /** Whether it may be missing, and is null then. */
  readonly optional: boolean;
}

export type Row = Readonly<Record<string, unknown>>;

/** One value a field, in the order of the fields. */
export type MakeRow = (...values: readonly unknown[]) => Row;

export function fieldsOf(types: FieldTypes): readonly Field[] {
  return Object.entries(types).map(([name, type]) => {
    const optional = type.endsWith("?");
    return { name, kind: (optional ? type.slice(0, -1) : type) as FieldKind, optional };
  });
}

/** `a number`, for messages. */
export const describeKind = (kind: FieldKind): string => (kind === "json" ? "JSON" : `a ${kind}`);

/**
 * One object literal, so that the rows of the fast parsers and of the strict ones have one hidden class. Names go
 * into the generated code as JSON strings only, and `__proto__` as a computed key, which makes it an own field like
 * any other.
 */
export function rowMaker(names: readonly string[]): MakeRow {
  if (names.length > GENERATED_FIELDS_MAX) {
    // `fromEntries` defines its fields, where assignment to `__proto__` would set the prototype.
    return (...values) => Object.fromEntries(names.map((name, index) => [name, values[index]]));
  }
  const values = names.map((_, index) => `f${index}`);
  const properties = names.map((name, index) => `${propertyOf(name)}: f${index}`);
  return new Function(...values, `return { ${properties.join(", ")} };`) as MakeRow;
}

function propertyOf(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}
