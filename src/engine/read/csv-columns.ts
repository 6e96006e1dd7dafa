/**
 * What the columns of a file make of its records. For each list of columns two functions are generated:
 *
 * - `parsePlain` takes a record without quotes straight from the text to a row: one `indexOf` and one `slice` a
 *   field, and one object literal, so that all rows have one hidden class. It gives undefined where anything is
 *   wrong, and the strict parser then says what.
 * - `fromFields` makes the same row of fields already taken apart.
 *
 * Names from the file go into the generated code as JSON strings only, and `__proto__` as a computed key, which
 * makes it an own field like any other.
 */
import { assert } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { CsvFieldType, CsvOptions } from "../../plan/node.ts";
import { booleanOf, numberOf } from "./csv-values.ts";
import { RecordFault } from "./record-fault.ts";

/** Above this, code by column gets too large for the optimizer, and objects too wide for hidden classes. */
const GENERATED_COLUMNS_MAX = 128;

/** Lists of columns whose functions are kept: the tasks of a thread mostly read files alike, and stay optimised. */
const COLUMNS_KEPT_MAX = 64;

const NAMES_SHOWN_MAX = 20;

export type Row = Readonly<Record<string, unknown>>;

/** The part [at, end) of the text is one record without quotes or line end; undefined: it has a fault. */
export type ParsePlain = (text: string, at: number, end: number) => Row | undefined;

/** As many fields as there are columns; undefined: one is not of its type. */
export type FromFields = (fields: readonly string[]) => Row | undefined;

export interface Columns {
  readonly names: readonly string[];
  readonly types: readonly CsvFieldType[];
  readonly parsePlain: ParsePlain;
  readonly fromFields: FromFields;
}

const kept = new Map<string, Columns>();

/** Throws RecordFault where a name stands twice, or a type is declared for a column that there is not. */
export function columnsOf(names: readonly string[], csv: CsvOptions): Columns {
  const types = typesOf(names, csv);
  const key = JSON.stringify([csv.delimiter, names, types]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const columns = { names, types, ...rowFunctions(names, types, csv.delimiter) };
  if (kept.size >= COLUMNS_KEPT_MAX) kept.delete(kept.keys().next().value as string);
  if (names.length <= GENERATED_COLUMNS_MAX) kept.set(key, columns);
  return columns;
}

/** The options are the job's own, and wrong for every file. */
export function verifyOptions(csv: CsvOptions): void {
  const { delimiter, quote, header } = csv;
  const invalid = (what: string) => new BicoastalError("JOB_INVALID", `read.csv: ${what}`);
  if (delimiter.length !== 1 || delimiter === "\n" || delimiter === "\r") {
    throw invalid(`the delimiter must be one character and no line end, not ${JSON.stringify(delimiter)}.`);
  }
  if (quote !== "" && !/^[ -~]$/.test(quote)) {
    throw invalid(`the quote must be one ASCII character, or "" for none, not ${JSON.stringify(quote)}.`);
  }
  if (quote === delimiter) throw invalid(`${JSON.stringify(quote)} cannot be both delimiter and quote.`);
  if (header === true) return;
  if (header === false) {
    const named = Object.keys(csv.types).find((name) => !/^(?:0|[1-9]\d*)$/.test(name));
    if (named === undefined) return;
    throw invalid(`without a header, types names columns by index from "0", not ${JSON.stringify(named)}.`);
  }
  if (header.length === 0) throw invalid("the header is an empty list. Name the columns, or leave it out.");
  const twice = duplicateOf(header);
  if (twice !== undefined)
    throw invalid(`the header lists ${JSON.stringify(twice)} twice. Give each column a name.`);
  for (const name of Object.keys(csv.types)) {
    if (!header.includes(name))
      throw invalid(`types names ${JSON.stringify(name)}, which the header does not list.`);
  }
}

function typesOf(names: readonly string[], csv: CsvOptions): readonly CsvFieldType[] {
  const twice = duplicateOf(names);
  if (twice !== undefined) {
    throw new RecordFault({
      code: "RECORD_INVALID",
      column: twice,
      what: `the header names the column ${JSON.stringify(twice)} twice`,
      advice: "Rename one, or give the names yourself: header: [...] (the first line is data then).",
    });
  }
  const present = new Set(names);
  for (const name of Object.keys(csv.types)) {
    if (present.has(name)) continue;
    const some = names.slice(0, NAMES_SHOWN_MAX).map((known) => JSON.stringify(known));
    const more = names.length > NAMES_SHOWN_MAX ? ", …" : "";
    throw new RecordFault({
      code: "RECORD_INVALID",
      column: name,
      what: `the option types names the column ${JSON.stringify(name)}, which the header does not have`,
      advice: `Its columns are ${some.join(", ")}${more}.`,
    });
  }
  return names.map((name) => (Object.hasOwn(csv.types, name) ? (csv.types[name] as CsvFieldType) : "string"));
}

function duplicateOf(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** The row of a record's fields, quoted or not. `record`: its index, for the error. Throws RecordFault. */
export function buildRow(columns: Columns, fields: readonly string[], record: number): Row {
  const { names, types } = columns;
  if (fields.length !== names.length) throw ragged(names, fields.length, record);
  const row = columns.fromFields(fields);
  if (row !== undefined) return row;
  for (const [index, field] of fields.entries()) {
    convertField(field, types[index] as CsvFieldType, names[index] as string, record);
  }
  assert(false, "fields that make no row have one that is not of its type");
}

/** Throws RecordFault where the field is not of its type. */
export function convertField(field: string, type: CsvFieldType, column: string, record: number): unknown {
  const value = tryConvert(field, type);
  if (value !== undefined && !Number.isNaN(value)) return value;
  throw new RecordFault({
    code: "RECORD_INVALID",
    record,
    column,
    what: `column ${JSON.stringify(column)} should be a ${type}, and is ${JSON.stringify(field.slice(0, 100))}`,
    advice: "Mend the field, or leave the column's type out and convert it yourself.",
  });
}

function ragged(names: readonly string[], fields: number, record: number): RecordFault {
  const missing = names[fields];
  const which = missing === undefined ? "" : `, so ${JSON.stringify(missing)} is missing`;
  return new RecordFault({
    code: "RECORD_INVALID",
    record,
    ...(missing === undefined ? {} : { column: missing }),
    what: `the record has ${fields} fields, and the header ${names.length}${which}`,
    advice: "Mend the record; if the delimiter or the quote is another one, say so in the options.",
  });
}

type RowFunctions = Pick<Columns, "parsePlain" | "fromFields">;

function rowFunctions(
  names: readonly string[],
  types: readonly CsvFieldType[],
  delimiter: string,
): RowFunctions {
  if (names.length > GENERATED_COLUMNS_MAX) return wideFunctions(names, types, delimiter);
  const last = names.length - 1;
  const parse = types.map((type, index) => {
    const stop = "stop = text.indexOf(delimiter, at);";
    if (index === last)
      return `${stop} if (stop !== -1 && stop < end) return; ${take(index, type, "text", "at", "end")}`;
    return `${stop} if (stop === -1 || stop >= end) return; ${take(index, type, "text", "at", "stop")} at = stop + 1;`;
  });
  const convert = types.map((type, index) =>
    take(index, type, `fields[${index}]`, "0", `fields[${index}].length`),
  );
  const properties = names.map((name, index) => `${keyOf(name)}: f${index}`).join(", ");
  const source = `
  const delimiter = ${JSON.stringify(delimiter)};
  return {
    parsePlain(text, at, end) {
      let stop;
      ${parse.join("\n      ")}
      return { ${properties} };
    },
    fromFields(fields) {
      ${convert.join("\n      ")}
      return { ${properties} };
    },
  };`;
  return new Function("numberOf", "booleanOf", source)(numberOf, booleanOf) as RowFunctions;
}

function keyOf(name: string): string {
  return name === "__proto__" ? '["__proto__"]' : JSON.stringify(name);
}

/** Code that puts the field in [at, end) of `text` into its variable, or leaves with undefined. */
function take(index: number, type: CsvFieldType, text: string, at: string, end: string): string {
  const variable = `f${index}`;
  const field = at === "0" ? text : `${text}.slice(${at}, ${end})`;
  switch (type) {
    case "string":
      return `const ${variable} = ${field};`;
    case "number":
      return `const ${variable} = numberOf(${text}, ${at}, ${end}); if (${variable} !== ${variable}) return;`;
    case "boolean":
      return `const ${variable} = booleanOf(${field}); if (${variable} === undefined) return;`;
  }
}

function wideFunctions(
  names: readonly string[],
  types: readonly CsvFieldType[],
  delimiter: string,
): RowFunctions {
  const fromFields: FromFields = (fields) => {
    const entries: [string, unknown][] = [];
    for (let index = 0; index < names.length; index++) {
      const value = tryConvert(fields[index] as string, types[index] as CsvFieldType);
      if (value === undefined || Number.isNaN(value)) return undefined;
      entries.push([names[index] as string, value]);
    }
    // `fromEntries` defines its fields, where assignment to `__proto__` would set the prototype.
    return Object.fromEntries(entries);
  };
  const parsePlain: ParsePlain = (text, at, end) => {
    const fields = text.slice(at, end).split(delimiter);
    return fields.length === names.length ? fromFields(fields) : undefined;
  };
  return { parsePlain, fromFields };
}

function tryConvert(field: string, type: CsvFieldType): string | number | boolean | null | undefined {
  if (type === "string") return field;
  return type === "number" ? numberOf(field, 0, field.length) : booleanOf(field);
}
