import { isPlainObject } from "../base/compare.ts";
import type { CsvFieldType, CsvOptions, SourceFormat } from "../plan/node.ts";
import { checkNames, checkOneOf, checkOptions, invalidArgument } from "./check-arguments.ts";
import { FILE_OPTION_NAMES, type FileOptions, fileSource } from "./read-options.ts";
import { showValue } from "./show-value.ts";
import { adviseNames } from "./suggest.ts";

/** What all forms of `read.csv` share. */
export interface CsvReadOptions extends FileOptions {
  /** One character between fields. Default ",". */
  readonly delimiter?: string;
  /** One character around fields that hold delimiters, quotes (doubled) or line ends. Default '"'. */
  readonly quote?: string;
}

const FIELD_TYPES: readonly CsvFieldType[] = ["string", "number", "boolean"];

export function csvSource(paths: unknown, options: unknown): SourceFormat {
  const given = checkOptions("read.csv", options, [
    "header",
    "types",
    "delimiter",
    "quote",
    ...FILE_OPTION_NAMES,
  ]);
  const header = checkHeader(given.header ?? true);
  const delimiter = checkCharacter("delimiter", given.delimiter ?? ",");
  const quote = checkCharacter("quote", given.quote ?? '"');
  if (delimiter === quote)
    throw invalidArgument("read.csv", "quote", quote, "another character than the delimiter");
  const csv: CsvOptions = { header, delimiter, quote, types: checkTypes(given.types, header) };
  return { format: "csv", csv: Object.freeze(csv), ...fileSource("read.csv", paths, given) };
}

function checkHeader(header: unknown): boolean | readonly string[] {
  if (typeof header === "boolean") return header;
  if (!Array.isArray(header)) {
    throw invalidArgument("read.csv", "header", header, "true, false, or a list of field names");
  }
  return checkNames("read.csv", "header", header);
}

/** One byte, so that a split file can be searched without decoding it. */
function checkCharacter(argument: string, value: unknown): string {
  if (typeof value === "string" && /^[\t\x20-\x7e]$/.test(value)) return value;
  throw invalidArgument("read.csv", argument, value, "one printable ASCII character, or a tab");
}

function checkTypes(types: unknown, header: boolean | readonly string[]): CsvOptions["types"] {
  if (types === undefined) return Object.freeze({});
  if (!isPlainObject(types))
    throw invalidArgument("read.csv", "types", types, 'an object such as { age: "number" }');
  if (header === false)
    throw invalidArgument("read.csv", "types", types, "left out: without a header fields have no names");
  const checked: [string, CsvFieldType][] = [];
  for (const [name, type] of Object.entries(types)) {
    if (Array.isArray(header) && !header.includes(name)) {
      const advice = adviseNames(name, header as readonly string[], "fields");
      throw invalidArgument("read.csv", "a name in types", name, `a field of the header. ${advice}`);
    }
    checked.push([name, checkOneOf("read.csv", `the type of ${showValue(name)}`, type, FIELD_TYPES)]);
  }
  return Object.freeze(Object.fromEntries(checked));
}
