/** Records as CSV after RFC 4180, with `\n` as the line end, which is what Unix tools expect. */
import { BicoastalError } from "../../base/errors.ts";
import { encodeJson, unencodable } from "./encode-json.ts";

const WHAT = "write csv";

/** Turns records into lines of one file: its header is that file's own. */
export type CsvFormatter = (record: unknown) => string;

/**
 * @param columns The fields to write, in order, others left out; undefined: the fields of the first record, after
 *   which a record with another field is an error, because its value would be lost.
 * @param header Called with the header line, before the first record's line; at once where the columns are given.
 */
export function createCsvFormatter(
  columns: readonly string[] | undefined,
  header: (line: string) => void,
): CsvFormatter {
  let known = columns;
  let lists: number | undefined;
  const start = (names: readonly string[]): readonly string[] => {
    header(lineOf(names));
    return names;
  };
  if (columns !== undefined) start(columns);

  return (record) => {
    if (Array.isArray(record)) {
      if (lists === undefined && columns === undefined && known !== undefined)
        throw mixed("a list", "objects");
      lists ??= columns?.length ?? record.length;
      if (record.length !== lists) throw wrongLength(record.length, lists, columns !== undefined);
      return lineOf(record);
    }
    if (typeof record !== "object" || record === null || isNoRecord(record)) {
      throw unencodable(
        WHAT,
        `a record that is ${kindOf(record)}`,
        "Map records to objects or arrays, or write text.",
      );
    }
    if (lists !== undefined && columns === undefined) throw mixed("an object", "lists");
    known ??= start(Object.keys(record));
    if (columns === undefined) checkFields(record, known);
    return lineOf(
      known.map((name) => (Object.hasOwn(record, name) ? (record as Record<string, unknown>)[name] : null)),
    );
  };
}

function checkFields(record: object, known: readonly string[]): void {
  const names = Object.keys(record);
  if (names.length === known.length && names.every((name, index) => name === known[index])) return;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new BicoastalError(
    "VALUE_UNENCODABLE",
    `${WHAT} took its columns from the first record of the file (${known.join(", ")}), and a later record has the field "${unknown}". Name all columns with the option \`columns\`.`,
    { details: { field: unknown, option: "columns" } },
  );
}

function lineOf(values: readonly unknown[]): string {
  // A line with nothing on it would be read as no record at all.
  if (values.length === 1) return fieldOf(values[0]) || '""';
  let line = "";
  for (let i = 0; i < values.length; i++) line += i === 0 ? fieldOf(values[0]) : `,${fieldOf(values[i])}`;
  return line;
}

/** null and undefined are empty; dates ISO 8601; lists and objects JSON. */
function fieldOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    case "undefined":
      return "";
    case "object":
      break;
    default:
      throw unencodable(WHAT, `a field that is a ${typeof value}`, "Map it to text or a number.");
  }
  if (value === null) return "";
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "" : value.toISOString();
  return quoted(encodeJson(value, WHAT));
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Objects whose fields do not say what they are: their columns would be none, or not the right ones. */
const isNoRecord = (record: object): boolean =>
  Symbol.iterator in record ||
  ArrayBuffer.isView(record) ||
  record instanceof Date ||
  typeof (record as { then?: unknown }).then === "function";

function kindOf(record: unknown): string {
  if (record === null || record === undefined) return String(record);
  if (typeof record !== "object") return `a ${typeof record}`;
  if (record instanceof Date) return "a date";
  return "then" in record ? "a promise" : "an iterable";
}

function mixed(got: string, before: string): BicoastalError {
  return unencodable(
    WHAT,
    `${got} after ${before}`,
    "Map all records to one form, or name the option `columns`.",
  );
}

function wrongLength(got: number, expected: number, named: boolean): BicoastalError {
  const why = named ? "the option `columns` names" : "the first record of the file had";
  return unencodable(
    WHAT,
    `a list of ${got} values where ${why} ${expected}`,
    "Give all records the same length.",
  );
}
