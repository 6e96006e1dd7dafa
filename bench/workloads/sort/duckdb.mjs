import { join } from "node:path";
import { copyLines, duckdb, linesOf } from "../../start/duckdb.mjs";

const [out = "", ...files] = process.argv.slice(2);

await copyLines(
  await duckdb(),
  `SELECT line FROM ${linesOf(files)} ORDER BY line[1:10]`,
  join(out, "sorted"),
);
