import { duckdb, linesOf, printQuery } from "../../start/duckdb.mjs";

const [, ...files] = process.argv.slice(2);

await printQuery(
  await duckdb(),
  `SELECT word, count(*)::DOUBLE AS n
   FROM (SELECT unnest(regexp_extract_all(lower(line), '[a-z0-9]+')) AS word FROM ${linesOf(files)})
   GROUP BY word ORDER BY n DESC LIMIT 1000`,
);
