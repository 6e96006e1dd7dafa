import type { PlanNode, WriteEnd, WriteFormat } from "../../plan/node.ts";
import {
  checkBoolean,
  checkNames,
  checkOneOf,
  checkOptions,
  checkText,
  invalidArgument,
} from "../check-arguments.ts";
import { isOtherUrl } from "../read-options.ts";

export interface WriteOptions {
  /** Replaces a directory that exists; otherwise that is OUTPUT_EXISTS. Default false. */
  readonly overwrite?: boolean;
  /** Compresses each file, and adds `.gz` to its name. Default false. */
  readonly gzip?: boolean;
}

export interface WriteCsvOptions<T> extends WriteOptions {
  /** The fields to write, in this order. Default: those of the first record of each file. */
  readonly columns?: readonly (T extends readonly unknown[] ? string : keyof T & string)[];
}

/** What a `write` end gives the job's caller. */
export interface WriteResult {
  /** Absolute, or `s3://bucket/prefix`. */
  readonly directory: string;
  readonly files: number;
  readonly bytes: number;
  readonly rows: number;
}

/** What `text` can write: each as one line. */
export type TextRecord = string | number | bigint | boolean;

const FORMATS: readonly WriteFormat[] = ["jsonl", "csv", "text"];

export function writeEnd(input: PlanNode, format: unknown, directory: unknown, options: unknown): WriteEnd {
  const checked = checkOneOf("write", "format", format, FORMATS);
  const given = checkOptions("write", options, ["overwrite", "gzip", "columns"]);
  if (given.columns !== undefined && checked !== "csv") {
    throw invalidArgument("write", "columns", given.columns, `left out: ${checked} has no columns`);
  }
  return {
    kind: "write",
    input,
    format: checked,
    directory: checkDirectory(directory),
    overwrite: checkBoolean("write", "overwrite", given.overwrite ?? false),
    columns: given.columns === undefined ? undefined : checkNames("write", "columns", given.columns),
    gzip: checkBoolean("write", "gzip", given.gzip ?? false),
  };
}

function checkDirectory(directory: unknown): string {
  const path = checkText("write", "directory", directory);
  if (isOtherUrl(path)) throw invalidArgument("write", "directory", path, "a path, or s3://bucket/prefix");
  return path;
}
