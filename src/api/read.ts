/** Where records come from. */
import type { CsvFieldType, FieldTypes, SourceFormat } from "../plan/node.ts";
import { checkOneOf, checkOptions } from "./check-arguments.ts";
import type { CsvNamedRow, CsvRow } from "./csv-row.ts";
import { Dataset } from "./dataset.ts";
import type { WideOptions } from "./operators/aggregate.ts";
import { type CsvReadOptions, csvSource } from "./read-csv.ts";
import { checkFields, type FieldsRow } from "./read-fields.ts";
import {
  FILE_OPTION_NAMES,
  type FileOptions,
  fileSource,
  onlyFileSource,
  type Paths,
} from "./read-options.ts";
import { ofSource, rangeSource } from "./read-values.ts";

/** A file as one record. */
export interface FileRecord<Content extends string | Uint8Array = string> {
  /** Absolute. */
  readonly path: string;
  readonly content: Content;
}

const source = <T>(format: SourceFormat): Dataset<T> =>
  new Dataset({ kind: "source", source: Object.freeze(format) });

function lines(paths: Paths, options?: FileOptions): Dataset<string> {
  return source({ format: "lines", ...onlyFileSource("read.lines", paths, options) });
}

function jsonl<const F extends FieldTypes>(
  paths: Paths,
  options: FileOptions & { readonly fields: F },
): Dataset<FieldsRow<F>>;
function jsonl<T = unknown>(paths: Paths, options?: FileOptions): Dataset<T>;
function jsonl(paths: Paths, options?: unknown): Dataset<never> {
  const given = checkOptions("read.jsonl", options, ["fields", ...FILE_OPTION_NAMES]);
  const fields = checkFields("read.jsonl", given.fields);
  return source({ format: "jsonl", fields, ...fileSource("read.jsonl", paths, given) });
}

function csv<const F extends FieldTypes>(
  paths: Paths,
  options: CsvReadOptions & { readonly header?: true; readonly fields: F },
): Dataset<FieldsRow<F>>;
function csv<const Name extends string, const F extends FieldTypes>(
  paths: Paths,
  options: CsvReadOptions & {
    readonly header: readonly Name[];
    readonly fields: F & { readonly [N in Exclude<keyof F, Name>]: never };
  },
): Dataset<FieldsRow<F>>;
// biome-ignore lint/complexity/noBannedTypes: no types given is an object without fields
function csv<const T extends Readonly<Record<string, CsvFieldType>> = {}>(
  paths: Paths,
  options?: CsvReadOptions & { readonly header?: true; readonly types?: T },
): Dataset<CsvRow<T>>;
// biome-ignore lint/complexity/noBannedTypes: no types given is an object without fields
function csv<const Name extends string, const T extends Readonly<Record<string, CsvFieldType>> = {}>(
  paths: Paths,
  options: CsvReadOptions & {
    readonly header: readonly Name[];
    readonly types?: T & { readonly [N in Exclude<keyof T, Name>]: never };
  },
): Dataset<CsvNamedRow<Name, T>>;
function csv(paths: Paths, options: CsvReadOptions & { readonly header: false }): Dataset<string[]>;
function csv(paths: Paths, options?: unknown): Dataset<never> {
  return source(csvSource(paths, options));
}

function files(paths: Paths, options?: FileOptions & { readonly as?: "text" }): Dataset<FileRecord>;
function files(
  paths: Paths,
  options: FileOptions & { readonly as: "bytes" },
): Dataset<FileRecord<Uint8Array>>;
function files(paths: Paths, options?: FileOptions & { readonly as?: "text" | "bytes" }): Dataset<never> {
  const given = checkOptions("read.files", options, ["as", ...FILE_OPTION_NAMES]);
  const as = checkOneOf("read.files", "as", given.as ?? "text", ["text", "bytes"]);
  return source({ format: "files", as, ...fileSource("read.files", paths, given) });
}

function range(end: number, options?: WideOptions): Dataset<number>;
function range(start: number, end: number, options?: WideOptions): Dataset<number>;
function range(start: number, end: number, step: number, options?: WideOptions): Dataset<number>;
function range(...args: readonly unknown[]): Dataset<number> {
  return source(rangeSource(args));
}

function of<T>(values: Iterable<T>, options?: WideOptions): Dataset<T> {
  return source(ofSource(values, options));
}

/**
 * The sources. `paths` name files, directories (all files below, names with a leading dot left out) or globs, on this
 * machine or on S3 (`s3://bucket/key`, with the package `@aws-sdk/client-s3` installed); `.gz` files are decompressed. The files are listed once, when the job is submitted: in ascending order of
 * their paths, none twice. A name without files fails the job with INPUT_NOT_FOUND, a file that changes while
 * the job runs with INPUT_CHANGED. Text is UTF-8; a BOM is left out, and a byte that is no UTF-8 becomes
 * U+FFFD. Lines end with LF or CRLF; the last need not. Records come in the order of files and lines.
 *
 * Every source throws `BicoastalError` with `code` "JOB_INVALID" at once for arguments that cannot be right.
 */
export const read = Object.freeze({
  /**
   * One record a line, without its end. Empty lines are records.
   *
   * @example read.lines("books/*.txt")
   */
  lines,
  /**
   * One record for each line that is not empty, parsed as JSON; what is not JSON fails the task with
   * RECORD_INVALID, file and line. `T` is believed, not checked.
   *
   * With `fields`, records are objects of these fields alone, in this order, and typed by them; this is several
   * times as fast. Types are "string", "number", "boolean" and "json" (any value); with "?", such as "number?", the
   * field may be missing or null, and is null then. Lines must still be whole JSON objects. One that is not, or in
   * which a field is missing or of another type, fails the task with RECORD_INVALID, file, line and field.
   *
   * @example read.jsonl<{ user: string; ms: number }>(["logs/east", "logs/west"])
   * @example read.jsonl("logs/east", { fields: { user: "string", ms: "number", tags: "json?" } })
   */
  jsonl,
  /**
   * One record a row, of RFC 4180 with any one-character delimiter and quote.
   *
   * - `header: true` (default): the first row of each file names the fields; records are objects of text
   * - `header: [names]`: every row is data; records are objects with these fields
   * - `header: false`: records are arrays of text
   *
   * `types` converts fields by name to "number" or "boolean", an empty one to null; what does not convert
   * fails the task with RECORD_INVALID, file and line.
   *
   * `fields`, instead of `types`, says which fields are read, and their types, as for `jsonl`; this is faster the
   * more columns are left out. A field with "?" may be empty, or a column that the header does not have, and is null
   * then; "string" may be empty text, and "json" is text parsed as JSON.
   *
   * @example read.csv("people.csv", { types: { age: "number" } }).filter((person) => (person.age ?? 0) >= 18)
   * @example read.csv("people.csv", { fields: { name: "string", age: "number" } })
   */
  csv,
  /**
   * Each file as one record, `{ path, content }`: text, or bytes with `as: "bytes"`. Each must fit in
   * `recordBytesMax`.
   *
   * @example read.files("pages/**\/*.html").map(({ path, content }) => ({ path, chars: content.length }))
   */
  files,
  /**
   * The whole numbers from `start` (default 0) up to but not `end`, by `step` (default 1, may be negative,
   * not 0); none where the step leads away from the end. All from -(2^53-1) to 2^53-1.
   *
   * @example read.range(1_000_000, { partitions: 8 })
   */
  range,
  /**
   * Values in memory, of an array or another iterable: at most 10,000,000. They are made again wherever a
   * task runs, so they must follow from the params.
   *
   * @example read.of(["alpha", "beta"])
   */
  of,
});
