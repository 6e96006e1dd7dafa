/** The types of CSV records, worked out from the options. */
import type { CsvFieldType } from "../plan/node.ts";

/** A field's value: text, or what `types` converts it to; an empty number or boolean is null. */
export type CsvValue<Type extends CsvFieldType | undefined> = Type extends "number"
  ? number | null
  : Type extends "boolean"
    ? boolean | null
    : string;

type Types = Readonly<Record<string, CsvFieldType>>;

/** With a header line: text fields of any name, except those that `types` converts. */
export type CsvRow<T extends Types> = [keyof T] extends [never]
  ? Record<string, string>
  : Record<string, string> & { -readonly [Name in keyof T]: CsvValue<T[Name]> };

/** With names given: exactly these fields. */
export type CsvNamedRow<Name extends string, T extends Types> = {
  [N in Name]: N extends keyof T ? CsvValue<T[N]> : string;
};
