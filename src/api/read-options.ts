/** Checks and completes the options that sources share. */
import type { FileSourceOptions } from "../plan/node.ts";
import { checkOptions, checkWhole, invalidArgument } from "./check-arguments.ts";

/** Bytes of the longest record, unless told otherwise. */
export const RECORD_BYTES_DEFAULT = 64 * 1024 * 1024;
/** A record becomes text; V8's longest text is a little above this. */
export const RECORD_BYTES_MAX = 512 * 1024 * 1024 - 1024;

/**
 * Paths of files, directories (all files below, names with a leading dot left out) and globs such as
 * `logs/*.gz`.
 */
export type Paths = string | readonly string[];

export interface FileOptions {
  /**
   * Plain files are cut into tasks of about so many bytes; compressed ones never are. From 1; default: chosen
   * from the total.
   */
  readonly splitBytes?: number;
  /** A longer record fails the job with RECORD_TOO_LONG. From 1 to 536,869,888; default 67,108,864 (64 MiB). */
  readonly recordBytesMax?: number;
}

export const FILE_OPTION_NAMES = ["splitBytes", "recordBytesMax"] as const;

export function fileSource(
  operator: string,
  paths: unknown,
  options: { readonly splitBytes?: unknown; readonly recordBytesMax?: unknown },
): FileSourceOptions {
  const { splitBytes, recordBytesMax = RECORD_BYTES_DEFAULT } = options;
  return {
    paths: checkPaths(operator, paths),
    splitBytes:
      splitBytes === undefined
        ? undefined
        : checkWhole(operator, "splitBytes", splitBytes, [1, Number.MAX_SAFE_INTEGER]),
    recordBytesMax: checkWhole(operator, "recordBytesMax", recordBytesMax, [1, RECORD_BYTES_MAX]),
  };
}

/** For sources with no options of their own. */
export const onlyFileSource = (operator: string, paths: unknown, options: unknown): FileSourceOptions =>
  fileSource(operator, paths, checkOptions(operator, options, FILE_OPTION_NAMES));

function checkPaths(operator: string, paths: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(paths) ? paths : [paths];
  if (list.length === 0) throw invalidArgument(operator, "paths", paths, "at least one path");
  return Object.freeze(
    list.map((path, index) =>
      checkPath(operator, Array.isArray(paths) ? `paths[${index}]` : "the path", path),
    ),
  );
}

function checkPath(operator: string, argument: string, path: unknown): string {
  if (typeof path !== "string" || path === "") {
    throw invalidArgument(operator, argument, path, "the text of a path, a directory or a glob");
  }
  if (path.includes("\0")) throw invalidArgument(operator, argument, path, "without NUL characters");
  if (isOtherUrl(path)) throw invalidArgument(operator, argument, path, "a path, or s3://bucket/key");
  return path;
}

/** Whether it is a URL of a kind that is not read or written. */
export const isOtherUrl = (path: string): boolean =>
  /^[a-z][a-z0-9+.-]+:\/\//i.test(path) && !path.startsWith("s3://");
