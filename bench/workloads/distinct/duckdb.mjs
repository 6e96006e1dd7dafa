import { join } from "node:path";
import { copyLines, duckdb, linesOf } from "../../start/duckdb.mjs";

const [out = "", ...files] = process.argv.slice(2);

await copyLines(await duckdb(), `SELECT DISTINCT line FROM ${linesOf(files)}`, join(out, "distinct"));
