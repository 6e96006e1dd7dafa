import { isPlainObject } from "../base/compare.ts";
import type { CsvFieldType, CsvOptions, FieldTypes, SourceFormat } from "../plan/node.ts";
import { checkNames, checkOneOf, checkOptions, invalidArgument } from "./check-arguments.ts";
import { checkFields } from "./read-fields.ts";
import { FILE_OPTION_NAMES, type FileOptions, fileSource } from "./read-options.ts";
import { showValue } from "./show-value.ts";
import { adviseNames } from "./suggest.ts";

/** What all forms of `read.csv` share. */
export interface CsvReadOptions extends FileOptions {
  /** One character between fields. Default ",". */
  readonly delimiter?: string;
  /** One character around fields that hold delimiters, quotes (doubled) or line ends; "" for none. Default '"'. */
  readonly quote?: string;
}

const FIELD_TYPES: readonly CsvFieldType[] = ["string", "number", "boolean"];

export function csvSource(paths: unknown, options: unknown): SourceFormat {
  const given = checkOptions("read.csv", options, [
    "header",
    "types",
    "fields",
    "delimiter",
    "quote",
    ...FILE_OPTION_NAMES,
  ]);
  const header = checkHeader(given.header ?? true);
  const delimiter = checkDelimiter(given.delimiter ?? ",");
  const quote = checkQuote(given.quote ?? '"');
  if (delimiter === quote)
    throw invalidArgument("read.csv", "quote", quote, "another character than the delimiter");
  const types = checkTypes(given.types, header);
  const csv: CsvOptions = { header, delimiter, quote, types, fields: checkCsvFields(given, header) };
  return { format: "csv", csv: Object.freeze(csv), ...fileSource("read.csv", paths, given) };
}

function checkHeader(header: unknown): boolean | readonly string[] {
  if (typeof header === "boolean") return header;
  if (!Array.isArray(header)) {
    throw invalidArgument("read.csv", "header", header, "true, false, or a list of field names");
  }
  return checkNames("read.csv", "header", header);
}

function checkDelimiter(value: unknown): string {
  if (typeof value === "string" && value.length === 1 && !/[\r\n\ud800-\udfff]/.test(value)) return value;
  throw invalidArgument("read.csv", "delimiter", value, "one character, and no line end");
}

/** ASCII, so that a border between splits can be searched for in bytes. */
function checkQuote(value: unknown): string {
  if (value === "" || (typeof value === "string" && /^[ -~]$/.test(value))) return value;
  throw invalidArgument("read.csv", "quote", value, 'one printable ASCII character, or "" for none');
}

function checkTypes(types: unknown, header: boolean | readonly string[]): CsvOptions["types"] {
  if (types === undefined) return Object.freeze({});
  if (!isPlainObject(types))
    throw invalidArgument("read.csv", "types", types, 'an object such as { age: "number" }');
  if (header === false)
    throw invalidArgument("read.csv", "types", types, "left out: without a header fields have no names");
  const checked: [string, CsvFieldType][] = [];
  for (const [name, type] of Object.entries(types)) {
    checkName("types", name, header);
    checked.push([name, checkOneOf("read.csv", `the type of ${showValue(name)}`, type, FIELD_TYPES)]);
  }
  return Object.freeze(Object.fromEntries(checked));
}

function checkCsvFields(
  { fields, types }: { readonly fields?: unknown; readonly types?: unknown },
  header: boolean | readonly string[],
): FieldTypes | undefined {
  const checked = checkFields("read.csv", fields);
  if (checked === undefined) return undefined;
  if (header === false)
    throw invalidArgument("read.csv", "fields", fields, "left out: without a header fields have no names");
  if (types !== undefined)
    throw invalidArgument(
      "read.csv",
      "types",
      types,
      "left out: the option fields has the types of its fields",
    );
  for (const name of Object.keys(checked)) checkName("fields", name, header);
  return checked;
}

function checkName(option: string, name: string, header: boolean | readonly string[]): void {
  if (typeof header === "boolean" || header.includes(name)) return;
  const advice = adviseNames(name, header, "fields");
  throw invalidArgument("read.csv", `a name in ${option}`, name, `a field of the header. ${advice}`);
}
