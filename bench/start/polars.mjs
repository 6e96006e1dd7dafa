// Polars: the lazy API, on as many threads as the bench gives it.
import { createRequire } from "node:module";
import { join } from "node:path";
import { peersDirectory } from "../harness/peers.mjs";

// Read when the library is loaded.
process.env.POLARS_MAX_THREADS = process.env.BENCH_THREADS ?? "2";

const load = createRequire(join(peersDirectory, "package.json"));

/**
 * Typed by its use: it is not installed where types are checked.
 * @type {Record<"col" | "lit" | "len" | "concat" | "concatString" | "scanCSV" | "scanJson" | "Utf8" | "Int32" | "Int64", Function>}
 */
export const pl = load("nodejs-polars");

/** A lazy frame with the lines of text files in one column, `line`. @param {readonly string[]} files */
export const linesOf = (files) =>
  pl.concat(
    files.map((path) =>
      pl.scanCSV(path, { sep: "\x01", quoteChar: "\x02", hasHeader: false, schema: { line: pl.Utf8 } }),
    ),
  );

/** @param {readonly unknown[]} rows */
export const printRows = (rows) =>
  process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));

/** Writes a frame's only column as lines of text. @param {{ writeCSV: Function }} frame @param {string} path */
export const writeLines = (frame, path) =>
  frame.writeCSV(path, { includeHeader: false, separator: "\x01", quote: "\x02" });
