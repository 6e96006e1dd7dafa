/** What the columns of a file make of its records. */
import { unreachable } from "../../base/assert.ts";
import { BicoastalError } from "../../base/errors.ts";
import type { CsvFieldType, CsvOptions } from "../../plan/node.ts";
import { type CsvLoop, csvLoop } from "./csv-loop.ts";
import { booleanOf, jsonOf, numberOf } from "./csv-values.ts";
import {
  describeKind,
  type Field,
  fieldsOf,
  GENERATED_FIELDS_MAX,
  type MakeRow,
  type Row,
  rowMaker,
} from "./fields.ts";
import { RecordFault } from "./record-fault.ts";

/** Lists of columns whose functions are kept: the tasks of a thread mostly read files alike, and stay optimised. */
const COLUMNS_KEPT_MAX = 64;
const NAMES_SHOWN_MAX = 20;

export interface Columns {
  readonly names: readonly string[];
  /** Of the rows, in their order. */
  readonly fields: readonly Field[];
  /** For each field the index of its column, or -1: the file has none. */
  readonly sources: readonly number[];
  readonly makeRow: MakeRow;
  /** Undefined: only the strict parser can read the file. */
  readonly loop: CsvLoop | undefined;
}

const kept = new Map<string, Columns>();

/** Throws RecordFault where a name stands twice, or one is declared for which there is no column. */
export function columnsOf(names: readonly string[], csv: CsvOptions): Columns {
  verifyNames(names, csv);
  const { delimiter, quote } = csv;
  const fields = csv.fields === undefined ? allFields(names, csv.types) : fieldsOf(csv.fields);
  const key = JSON.stringify([delimiter, quote, names, fields]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const columnAt = new Map(names.map((name, index) => [name, index]));
  const sources = fields.map(({ name }) => columnAt.get(name) ?? -1);
  const makeRow = rowMaker(fields.map(({ name }) => name));
  const isPlain = fields.length <= GENERATED_FIELDS_MAX && delimiter.charCodeAt(0) < 0x80;
  const loop = isPlain
    ? csvLoop({ columns: names.length, sources, fields, makeRow, delimiter, quote })
    : undefined;
  const columns: Columns = { names, fields, sources, makeRow, loop };
  if (kept.size >= COLUMNS_KEPT_MAX) kept.delete(kept.keys().next().value as string);
  if (isPlain) kept.set(key, columns);
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
    if (csv.fields !== undefined)
      throw invalid("without a header, there are no names for the option fields.");
    const named = Object.keys(csv.types).find((name) => !/^(?:0|[1-9]\d*)$/.test(name));
    if (named === undefined) return;
    throw invalid(`without a header, types names columns by index from "0", not ${JSON.stringify(named)}.`);
  }
  if (header.length === 0) throw invalid("the header is an empty list. Name the columns, or leave it out.");
  const twice = duplicateOf(header);
  if (twice !== undefined)
    throw invalid(`the header lists ${JSON.stringify(twice)} twice. Give each column a name.`);
  const option = csv.fields === undefined ? "types" : "fields";
  for (const name of Object.keys(csv.fields ?? csv.types)) {
    if (!header.includes(name))
      throw invalid(`${option} names ${JSON.stringify(name)}, which the header does not list.`);
  }
}

/** Without the option fields: every column, and what `types` converts is null where it is empty. */
function allFields(names: readonly string[], types: CsvOptions["types"]): readonly Field[] {
  return names.map((name) => {
    const kind = Object.hasOwn(types, name) ? (types[name] as CsvFieldType) : "string";
    return { name, kind, optional: kind !== "string" };
  });
}

function verifyNames(names: readonly string[], csv: CsvOptions): void {
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
  const option = csv.fields === undefined ? "types" : "fields";
  for (const name of requiredNames(csv)) {
    if (present.has(name)) continue;
    const some = names.slice(0, NAMES_SHOWN_MAX).map((known) => JSON.stringify(known));
    const more = names.length > NAMES_SHOWN_MAX ? ", …" : "";
    throw new RecordFault({
      code: "RECORD_INVALID",
      column: name,
      what: `the option ${option} names the column ${JSON.stringify(name)}, which the header does not have`,
      advice: `Its columns are ${some.join(", ")}${more}.`,
    });
  }
}

function requiredNames({ types, fields }: CsvOptions): readonly string[] {
  if (fields === undefined) return Object.keys(types);
  return fieldsOf(fields).flatMap(({ name, optional }) => (optional ? [] : [name]));
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
export function buildRow(columns: Columns, texts: readonly string[], record: number): Row {
  const { names, fields, sources, makeRow } = columns;
  if (texts.length !== names.length) throw ragged(names, texts.length, record);
  return makeRow(
    ...fields.map((field, index) => convertField(texts[sources[index] as number] ?? "", field, record)),
  );
}

/** Throws RecordFault where the text is not of the field's type. */
export function convertField(text: string, field: Field, record: number): unknown {
  const value = tryConvert(text, field);
  if (value !== undefined && !Number.isNaN(value)) return value;
  const { name, kind } = field;
  throw new RecordFault({
    code: "RECORD_INVALID",
    record,
    column: name,
    what: `column ${JSON.stringify(name)} should be ${describeKind(kind)}, and is ${JSON.stringify(text.slice(0, 100))}`,
    advice:
      text === ""
        ? `Mend the field, or declare it as "${kind}?" if it may be empty: it is null then.`
        : "Mend the field, or declare it as a string and convert it yourself.",
  });
}

function tryConvert(text: string, { kind, optional }: Field): unknown {
  if (text === "" && (optional || kind !== "string")) return optional ? null : undefined;
  switch (kind) {
    case "string":
      return text;
    case "number":
      return numberOf(text, 0, text.length);
    case "boolean":
      return booleanOf(text);
    case "json":
      return jsonOf(text);
    default:
      return unreachable(kind);
  }
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
