import { duckdb, fileList, printQuery } from "../../start/duckdb.mjs";

const [, ...files] = process.argv.slice(2);
const list = fileList(files);
const rows =
  process.env.BENCH_CASE === "jsonl"
    ? `read_json(${list}, format = 'newline_delimited', columns = {'key': 'VARCHAR', 'value': 'DOUBLE'})`
    : `read_csv(${list}, header = true, delim = ',', columns = {'id': 'BIGINT', 'key': 'VARCHAR', 'value': 'DOUBLE'})`;

await printQuery(
  await duckdb(),
  `SELECT key, round(sum(value) * 100) AS cents FROM ${rows} GROUP BY key ORDER BY cents DESC LIMIT 1000`,
);
