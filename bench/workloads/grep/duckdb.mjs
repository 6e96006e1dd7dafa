import { join } from "node:path";
import { copyLines, duckdb, linesOf } from "../../start/duckdb.mjs";

const [out = "", ...files] = process.argv.slice(2);

await copyLines(
  await duckdb(),
  `SELECT line FROM ${linesOf(files)} WHERE regexp_matches(line, '(king|queen)s? of [A-Z]')`,
  join(out, "found"),
);
