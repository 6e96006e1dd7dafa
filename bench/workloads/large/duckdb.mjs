import { join } from "node:path";
import { copyLines, duckdb, linesOf, printQuery } from "../../start/duckdb.mjs";

const [out = "", ...files] = process.argv.slice(2);

const connection = await duckdb();
if (process.env.BENCH_CASE === "count")
  await printQuery(connection, `SELECT count(DISTINCT line)::DOUBLE FROM ${linesOf(files)}`);
else
  await copyLines(connection, `SELECT line FROM ${linesOf(files)} ORDER BY line[1:10]`, join(out, "sorted"));
