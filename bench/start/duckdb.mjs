// DuckDB with as many threads as the bench gives it, as its programs here use it.
import { createRequire } from "node:module";
import { join } from "node:path";
import { peersDirectory } from "../harness/peers.mjs";

/** @typedef {{ run(sql: string): Promise<unknown>, runAndReadAll(sql: string): Promise<{ getRowsJson(): unknown[][] }> }} Connection */

/** @returns {Promise<Connection>} */
export async function duckdb() {
  const load = createRequire(join(peersDirectory, "package.json"));
  const { DuckDBInstance } = load("@duckdb/node-api");
  const settings = {
    threads: process.env.BENCH_THREADS ?? "2",
    temp_directory: process.env.BENCH_SCRATCH ?? "",
  };
  const memory = process.env.BENCH_MEMORY;
  const instance = await DuckDBInstance.create(
    ":memory:",
    memory === undefined ? settings : { ...settings, memory_limit: memory },
  );
  return instance.connect();
}

/** @param {string} text */
export const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

/** A list of files in SQL. @param {readonly string[]} files */
export const fileList = (files) => `[${files.map(quoted).join(", ")}]`;

/** A table of the lines of text files: a CSV of one column, whose delimiter is in none of them. @param {readonly string[]} files */
export const linesOf = (files) =>
  `read_csv(${fileList(files)}, columns = {'line': 'VARCHAR'}, delim = '\\x01', quote = '', escape = '', header = false, auto_detect = false)`;

/** Prints the rows of a query, numbers as such. @param {Connection} connection @param {string} sql */
export async function printQuery(connection, sql) {
  const rows = (await connection.runAndReadAll(sql)).getRowsJson();
  process.stdout.write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** Writes a query's only column as lines of text. @param {Connection} connection @param {string} sql @param {string} path */
export const copyLines = (connection, sql, path) =>
  connection.run(
    `COPY (${sql}) TO ${quoted(path)} (FORMAT csv, HEADER false, DELIMITER '\\x01', QUOTE '', ESCAPE '')`,
  );
